"""What the texts that actions take must look like."""

from __future__ import annotations

import re

from ..parameters import Form

_COLOUR = re.compile("#[0-9a-fA-F]{6}")


def _point(text: str) -> str:
    from ..explore.anchors import are_anchors

    if not are_anchors(text):
        raise ValueError(text)
    return text


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError(text)
    return text.lower()


def _word(text: str) -> str:
    return text


POINT_WORDS = "numbers with commas between them, p12, c3, s:selection, or a kept state's name"
POINT = Form("point", f"a latent point ({POINT_WORDS})", _point)
COLOUR = Form("colour", "a colour such as #d62728", _colour)
STRUCTURES = Form("atomic-models", "atomic structures", _word)  # which ChimeraX reads, and nobody else
