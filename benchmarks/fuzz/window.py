"""Random sequences of a user's actions in ChimeraX's window, told to a journal line by line.

``ChimeraX --script "window.py FOLDER FIRST LAST ACTIONS SEED"``; see chimerax_fuzz.py, which reads the journal.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chimerax.core.commands import run  # noqa: E402
from Qt.QtCore import QTimer  # noqa: E402

from fuzz import project_actions  # noqa: E402, F401 (more actions)
from fuzz.actions import Action, chosen  # noqa: E402
from fuzz.agree import disagreements  # noqa: E402
from fuzz.catching import Caught  # noqa: E402
from fuzz.user import User  # noqa: E402

WINDOW = "320 240"  # pixels of the 3D part: a processor draws it
HANG = 60.0  # seconds for which the main thread may be busy with one thing


class Fuzz:
    """Sequences ``first`` up to and without ``last``."""

    def __init__(self, session, folder: str, first: str, last: str, actions: str, seed: str) -> None:
        self.session, self.folder = session, Path(folder)
        self.numbers, self.actions, self.seed = range(int(first), int(last)), int(actions), int(seed)
        self.caught = Caught(session)
        self.journal = open(self.folder / "journal.jsonl", "a", buffering=1)  # noqa: SIM115
        self.stuck = open(self.folder / "stuck.txt", "a")  # noqa: SIM115
        self.unsure: dict = {}  # models, and the point at which the engine could not decode

    def log(self, **line: object) -> None:
        self.journal.write(json.dumps({"time": time.time(), **line}) + "\n")
        faulthandler.dump_traceback_later(HANG, file=self.stuck)

    def steps(self) -> Iterator[float]:
        run(self.session, f"windowsize {WINDOW}", log=False)
        for number in self.numbers:
            yield from self.sequence(number)
        self.log(ended=True)

    def sequence(self, number: int) -> Iterator[float]:
        user = User(self.session, self.folder / f"sequence {number}")
        self.log(sequence=number)
        run(self.session, "close session", log=False)
        run(self.session, "flexrec show", log=False)
        user.command(f'flexrec open "{user.project()}"')
        yield from user.wait_until_idle()
        self.caught.take()
        for step in range(self.actions):
            random = np.random.default_rng((self.seed, number, step))
            action = chosen(random)
            self.log(sequence=number, step=step, action=action.name)
            problems = yield from self.step(user, action, random)
            if problems:
                self.log(sequence=number, step=step, action=action.name, problems=problems)
                break
        for sentence in dict.fromkeys(user.refused):
            self.log(sequence=number, refused=sentence)
        run(self.session, "close session", log=False)
        yield 0.05
        user.end()

    def step(self, user: User, action: Action, random: np.random.Generator) -> Iterator[float]:
        """One action, and what was wrong after it."""
        self.caught.warnings.clear()
        away = [one for one in user.models if one.map is None]
        try:
            acting = action.act(user, random)
            if acting is not None:
                yield from acting
            yield from user.wait_until_idle()
            problems = self.caught.take()
            back = [] if action.asks_map else [one for one in away if not one.deleted and one.map is not None]
            problems += [f"#{one.id_string}: its map was closed, and is there again" for one in back]
            problems += yield from self.agreed(user)
        except Exception:
            problems = [*self.caught.take(), traceback.format_exc()]
        return problems

    def agreed(self, user: User) -> Iterator[float]:
        """What does not agree, also after the time that a panel may take to look at files."""
        if any("FlexRec: " in sentence for sentence in self.caught.warnings):
            self.unsure = {one: one.z for one in user.models}
        lost = [one for one in user.models if not one.folder.is_dir()]  # which a new engine process cannot open
        exact = not lost and not any(one in self.unsure and one.z is self.unsure[one] for one in user.models)
        for pause in (0.0, 0.3, 1.2):
            yield pause
            yield from user.wait_until_idle()
            problems = disagreements(self.session, user.tool, exact)
            if not problems:
                return []
        return problems


def main(session, *words: str) -> None:
    fuzz = Fuzz(session, *words)
    steps = fuzz.steps()

    def go() -> None:
        try:
            rest = next(steps)
        except StopIteration:
            os._exit(0)
        except BaseException:
            fuzz.log(problems=[traceback.format_exc()])
            os._exit(1)
        QTimer.singleShot(int(1000 * rest), go)

    QTimer.singleShot(500, go)


main(session, *sys.argv[1:])  # noqa: F821 (ChimeraX gives it)
