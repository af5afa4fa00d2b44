"""Which points a hinge moves: ``L,H:1-230`` selects chain L and residues 1 to 230 of chain H."""

from __future__ import annotations

import re

import numpy as np

from ..errors import InputError
from .molecule import Molecule

_ITEM = re.compile(r"(?P<chain>[^:,\s]+)(?::(?P<first>-?\d+)(?:-(?P<last>-?\d+))?)?")


def select(molecule: Molecule, text: str, asked: str = "hinges") -> np.ndarray:
    """Points ``(a,)`` bool selected by comma-separated items: a named part, a chain, or chain:first-last.

    A chain is the chain of a model or the label of a map. ``asked`` is the parameter that errors name.
    """
    chosen = np.zeros(len(molecule), bool)
    for item in text.split(","):
        chosen |= _select_item(molecule, item.strip(), asked)
    return chosen


def _select_item(molecule: Molecule, item: str, asked: str) -> np.ndarray:
    if item in molecule.parts:
        return select(molecule, molecule.parts[item], asked)
    match = _ITEM.fullmatch(item)
    if match is None:
        raise InputError(f"{asked}: '{item}' is no selection; write a chain (A) or a range of residues (A:1-120).")
    chosen = molecule.chain == match["chain"]
    if match["first"] is not None:
        first = int(match["first"])
        last = int(match["last"]) if match["last"] is not None else first
        chosen = chosen & (molecule.residue >= first) & (molecule.residue <= last)
    if not chosen.any():
        names = sorted(set(molecule.chain.tolist())) + sorted(molecule.parts)
        raise InputError(f"{asked}: '{item}' selects nothing in {molecule.name}; it has {', '.join(names)}.")
    return chosen
