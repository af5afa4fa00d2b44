"""Simulated particles of a molecule of known motion, and the truth to compare with.

One idea per file: ``molecule`` and ``igg`` (what scatters), ``selection`` and ``hinges`` (what moves),
``assembly`` (symmetric complexes),
``nufft`` and ``moving`` (exact images and maps), ``poses``, ``noise``, ``experiment`` and ``images`` (the data set),
``picture``, ``truth`` (what is known about it).
"""

from __future__ import annotations

from .truth import Truth, load_truth

__all__ = ["Truth", "load_truth"]
