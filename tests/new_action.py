"""An action as a person adds it: one file of ``actions/``, and its name in the registry."""

from __future__ import annotations

from dataclasses import dataclass

from chimerax.flexrec.actions.action import Action
from chimerax.flexrec.parameters import parameter


@dataclass(frozen=True)
class Echo:
    sentence: str = parameter(positional=True, help="what to say")
    times: int = parameter(1, low=1, high=9, help="how often")
    in_capitals: bool = parameter(False, help="loudly")


def echo(scene, asked: Echo) -> str:
    scene.say(" ".join([asked.sentence.upper() if asked.in_capitals else asked.sentence] * asked.times))
    return scene.trained.folder.name


SECTION = "Look at a model"
ACTIONS = (Action("echo", "Say a sentence", echo, Echo),)
