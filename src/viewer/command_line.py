"""A line such as ``flexrec volume at 0.4,-0.2`` read and run where there is no ChimeraX, as ChimeraX would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..actions.action import VIEWER, Action
from ..actions.action_registry import host_actions
from ..actions.action_scene import Scene
from ..errors import InputError
from ..parameters import Parameter, typed, value_words

# as ChimeraX has it, a quote in the middle of a word is a letter like others, and so is a backslash
_WORD = re.compile(r"""\s*(?:"(.*?)"|'(.*?)'|([^"'\s]\S*))(?=\s|$)""")


def run_command(scene: Scene, line: str) -> None:
    """Run a line; ``InputError`` where it is wrong."""
    words, actions = split_words(line), host_actions(VIEWER)
    if words[:1] == ["flexrec"]:
        words = words[1:]
    for length in (2, 1):
        action = actions.get(" ".join(words[:length]))
        if action is not None:
            if action.of_model and scene.trained is None:
                raise InputError("no model is open; open a project first.")
            action.run(scene, action.build(read_arguments(action, words[length:])))
            return
    known = ", ".join(sorted({verb.split()[0] for verb in actions}))
    raise InputError(f"{' '.join(words[:2])!r} is not among this window's commands ({known}); ChimeraX and a terminal "
                     "have more.")  # fmt: skip


def split_words(line: str) -> list[str]:
    """The words of a line; those with blanks stand in quotes."""
    words, place = [], 0
    while line[place:].strip():
        match = _WORD.match(line, place)
        if match is None:
            raise InputError(f"{line}: a quote is not closed.")
        words.append(next(word for word in match.groups() if word is not None))
        place = match.end()
    return words


def read_arguments(action: Action, words: Sequence[str]) -> dict[str, Any]:
    """The values of what is given, by name; ``InputError``, which says which word is wrong."""
    options, rest, values = action.options(VIEWER), list(words), {}
    keywords = {typed(name): option for option in options if not option.required or not option.positional
                for name in option.spellings}  # fmt: skip
    for option in options:
        if option.positional:
            _read_positional(action, option, keywords, rest, values)
    while rest:
        word = rest.pop(0)
        if word not in keywords:
            raise InputError(f"{action.words} does not know {word!r}; {_option_names(keywords)}.")
        option = keywords[word]
        if not rest:
            raise InputError(f"{action.words}: {word} must be {value_words(option)}, and nothing follows it.")
        if option.name in values and not option.repeated:
            raise InputError(f"{action.words}: {word} is given twice.")
        _put(values, action, option, rest.pop(0))
    for option in options:
        if option.required and option.name not in values:
            raise InputError(f"{action.words} needs {option.word}: {value_words(option)}.")
    return values


def _read_positional(
    action: Action, option: Parameter, keywords: dict[str, Parameter], rest: list[str], values: dict[str, Any]
) -> None:
    """One that needs no name; of several values, all words until a keyword."""
    needed = option.required
    while rest and (needed or rest[0] not in keywords):
        _put(values, action, option, rest.pop(0))
        if not option.repeated:
            return
        needed = False


def _option_names(keywords: dict[str, Parameter]) -> str:
    names = [option.word for option in dict.fromkeys(keywords.values()) if not option.positional]
    return f"its options are {', '.join(names)}" if names else "it has no options"


def _put(values: dict[str, Any], action: Action, option: Parameter, text: str) -> None:
    try:
        value = option.parse(text, unset=False)
    except InputError:
        raise InputError(f"{action.words}: {option.word} must be {value_words(option)}, not {text!r}.") from None
    values[option.name] = (*values.get(option.name, ()), *value) if option.repeated else value
