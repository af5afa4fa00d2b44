"""Simulated particles of a molecule of known motion, and the truth to compare with.

One idea per file: ``molecule``, ``model_atoms`` and ``igg`` (what scatters), ``atom_selection`` and ``hinges`` (what
moves), ``dropped_parts`` (what particles lack), ``assembly`` (symmetric complexes), ``nufft`` with its kernel,
``rigid_images`` and ``moving_molecule`` (exact images and maps), ``random_views``, ``simulated_noise``, ``experiment``
and ``simulated_images`` (the data set), ``truth`` (what is known about it).
"""

from __future__ import annotations

from .truth import Truth, load_truth

__all__ = ["Truth", "load_truth"]
