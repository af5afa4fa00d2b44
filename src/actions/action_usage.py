"""How an action is written, from its declaration: in ChimeraX and the viewer, and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from ..parameters import Parameter, short_words
from .action import CHIMERAX, HOSTS, Action


@dataclass(frozen=True)
class Part:
    """A piece of a usage: a keyword or nothing, what follows it, and whether both may be left out."""

    keyword: str
    value: str
    optional: bool


def usage_parts(action: Action) -> list[Part]:
    """What follows an action's words in ChimeraX: what needs no keyword first."""
    options = sorted(action.options(CHIMERAX), key=lambda option: (not option.positional, not option.required))
    parts = [_part(option) for option in options]
    return [*parts, Part("model", "#N", True)] if action.of_model else parts


def _part(option: Parameter) -> Part:
    value = " | ".join(option.choices) if option.choices else short_words(option)
    value = option.name if option.positional and value == "name" else value
    value = f"{value} …" if option.repeated else value
    return Part("" if option.positional else option.word, value, not option.required)


def usage_text(action: Action) -> str:
    """The same as a line."""
    texts = [" ".join(filter(None, (part.keyword, part.value))) for part in usage_parts(action)]
    options = [f"[{text}]" if part.optional else text for text, part in zip(texts, usage_parts(action))]
    return " ".join(["flexrec", action.words, *options])


def terminal_usage(action: Action) -> str:
    """How it is written in a terminal."""
    parts = ["flexrec", action.words, *(["[JOB]"] if action.of_model and " " not in action.words else [])]
    for option, word in action.in_terminal().items():
        if word:
            parts.append(option.name.upper() if option.required else f"[{option.name.upper()}]")
        elif option.required:
            parts.append(f"{option.option} {short_words(option).upper()}")
    return " ".join([*parts, "[options]"])


def host_names(*needs: str) -> list[str]:
    """The hosts that have what an action, or it and a parameter of it, need."""
    return [host.name for host in HOSTS if host.has.issuperset(needs)]
