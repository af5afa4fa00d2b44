"""Named states: latent points that a person keeps, in the project, to show and to compare them again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from ..file_locks import locked_path
from .trained_model import Trained

FILE = "states.json"
_FORMAT, _VERSION = "flexrec-states", 1
_PATIENCE = 2.0  # seconds; whoever holds the lock does so for milliseconds
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.+-]{0,62}[A-Za-z0-9_.+-])?")
_POINT = re.compile(r"[pc]\d+|(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)  # names that mean something else


@dataclass(frozen=True, eq=False)
class State:
    """A latent point with a name.

    Attributes
    ----------
    name : letters, digits, blanks and _ . + -. z : ``(K,)``. job : folder name of the train job that it is of.
    """

    name: str
    z: np.ndarray
    job: str


def kept_states(trained: Trained) -> list[State]:
    """The states of a training, in the order in which they were kept; then those that the model has names for."""
    dims = trained.model.latent_dims
    kept = [state for state in _read(trained.project) if state.job == trained.folder.name and len(state.z) == dims]
    given = trained.model.states
    names = {state.name for state in kept}
    return kept + [State(name, z, trained.folder.name) for name, z in given.items() if name not in names]


def apart(trained: Trained, first: State, second: State) -> str:
    """How far a state is from another, in a sentence: in ångströms of motion where the model moves."""
    if trained.motion is None:
        return f"{second.name} is {np.linalg.norm(second.z - first.z):.2f} latent units from {first.name}"
    step = trained.motion.steps(np.stack([first.z, second.z]))[0]
    return f"{second.name} is {step:.2f} Å r.m.s. from {first.name}"


def kept_state(trained: Trained, name: str) -> State:
    """The state of that name; ``InputError`` where there is none."""
    states = kept_states(trained)
    for state in states:
        if state.name == name:
            return state
    known = ", ".join(state.name for state in states) or "none yet"
    raise InputError(f"There is no state {name!r} of {trained.folder.name}; it has {known}.")


def two_states(trained: Trained, first: str, second: str) -> tuple[State, State]:
    """Two states to compare; ``InputError`` where one is not there, or both are the same point."""
    states = kept_state(trained, first), kept_state(trained, second)
    if (states[0].z == states[1].z).all():
        raise InputError(f"{first} and {second} are the same point; compare two that differ.")
    return states


def keep_state(trained: Trained, name: str, z: np.ndarray) -> State:
    """Keep a point under a name, in place of one of the same name of this training."""
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a state's name; use up to 64 letters, digits, blanks and _ . + -.")
    if _POINT.fullmatch(name):
        raise InputError(f"{name!r} cannot be a state's name, since it already means a number, particle or cluster; "
                         f"give it a letter more, such as state {name}.")  # fmt: skip
    state = State(name, trained.point(z), trained.folder.name)
    with _changed(trained.project) as states:
        states[:] = [other for other in states if (other.name, other.job) != (name, state.job)] + [state]
    return state


def remove_state(trained: Trained, name: str) -> None:
    """Forget a state; ``InputError`` where there is none of that name."""
    gone = kept_state(trained, name)
    with _changed(trained.project) as states:
        others = [state for state in states if (state.name, state.job) != (gone.name, gone.job)]
        if len(others) == len(states):
            origin = trained.model.origin
            owner = "the model itself, whose states stay" if origin is None else (
                f"{origin.program}'s own files, which FlexRec leaves as they are")  # fmt: skip
            raise InputError(f"{name!r} is a state of {owner}.")
        states[:] = others


@contextmanager
def _changed(project: Path) -> Iterator[list[State]]:
    """All states of a project, for the block to change: no other process changes them meanwhile.

    They are saved when the block ends without an exception. Where the file system has no locks it goes on without.
    """
    with locked_path(project / f".{FILE}.lock", _PATIENCE):
        states = _read(project)
        yield states
        _write(project, states)


def _read(project: Path) -> list[State]:
    path = project / FILE
    if not path.is_file():
        return []
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != _FORMAT or record["version"] != _VERSION:
            raise ValueError("another format or version")
        entries = record["states"]
        states = [State(str(e["name"]), np.array(e["z"], np.float32), str(e["job"])) for e in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of states FlexRec can read ({error}); remove it.") from error
    if not all(state.z.ndim == 1 and np.isfinite(state.z).all() for state in states):
        raise InputError(f"{path}: not a list of states FlexRec can read (a point is none); remove it.")
    return states


def _write(project: Path, states: list[State]) -> None:
    entries = [{"name": state.name, "job": state.job, "z": state.z.astype(float).tolist()} for state in states]
    with atomic_path(project / FILE) as temporary:
        temporary.write_text(
            json.dumps({"format": _FORMAT, "version": _VERSION, "states": entries}, indent=1) + "\n", encoding="utf-8"
        )
