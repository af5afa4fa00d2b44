"""An action is declared once; the commands of ChimeraX, the terminal and the viewer, and their help, come from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..parameters import Parameter, build_parameters, read_parameters

# what a host may have, and an action or a parameter may need
OPTIONS = "options"  # values are options of one command, as in a terminal: --through A
WORDS = "words"  # values follow words, which make commands of their own: path through A
SCENE = "scene"  # a map is shown
VIEW = "view"  # the map is shown in 3D, with what moves beside it
QUEUE = "queue"  # jobs are seen and steered by commands


@dataclass(frozen=True)
class Host:
    """Where commands are given, and what it has."""

    name: str
    has: frozenset[str]


CHIMERAX = Host("ChimeraX", frozenset({"", WORDS, SCENE, VIEW, QUEUE}))
VIEWER = Host("flexrec view", frozenset({"", WORDS, SCENE}))
TERMINAL = Host("a terminal", frozenset({"", OPTIONS, QUEUE}))
HOSTS = (CHIMERAX, TERMINAL, VIEWER)


@dataclass(frozen=True)
class NoParameters:
    """Of actions that take nothing."""


@dataclass(frozen=True)
class Action:
    """One verb, which acts at once.

    Attributes
    ----------
    words : what is typed after ``flexrec``. synopsis : one sentence, without its stop.
    run : called as ``run(scene, parameters)``; None where each host has a function of its own for it.
    parameters : a frozen dataclass of `parameters.parameter`. needs : what a host must have, as above.
    about : more for the help pages, in sentences. of_model : whether it is about an open model.
    takes_long : whether, of that model and with those parameters, a window does it in a process of its own and goes on.
    """

    words: str
    synopsis: str
    run: Callable[[Any, Any], Any] | None = None
    parameters: type = NoParameters
    needs: str = ""
    about: str = ""
    of_model: bool = True
    takes_long: Callable[[Any, Any], bool] = lambda trained, asked: False

    def options(self, host: Host | None = None) -> tuple[Parameter, ...]:
        """The declared parameters, in order of declaration: all, or those that a host has."""
        options = read_parameters(self.parameters)
        return options if host is None else tuple(option for option in options if option.needs in host.has)

    @property
    def of_project(self) -> bool:
        """Whether it is about a project, which a terminal names by ``--project``."""
        return self.of_model or any(option.name == "project" for option in self.options())

    def in_terminal(self) -> dict[Parameter, bool]:
        """The parameters that a terminal has, and whether each is a word there, not an option.

        A word that may be left out is one only where the train job's would not come before it.
        """
        return {option: option.positional and (option.required or not self.of_model)
                for option in self.options(TERMINAL)}  # fmt: skip

    def build(self, values: Mapping[str, Any]) -> Any:
        """An instance of ``parameters`` from the values given, each checked; the rest take their defaults."""
        return build_parameters(self.words, self.parameters, values)
