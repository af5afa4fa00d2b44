"""The commands of `flexrec view` are ChimeraX's: whatever they take, a real ChimeraX takes and reads as the same."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.viewer.slices_commands import COMMANDS

_CODE = """
from pathlib import Path
from chimerax.flexrec.commands.register import all_commands
from chimerax.flexrec.viewer.slices_commands import COMMANDS
from chimerax.core.commands.cli import AnnotationError

SAMPLES = (
    "0", "1", "-1", "7", "0.5", "-2.5e1", "1e400", "nan", "0.4,-0.2", "5,95", "320,240", "1,2,3", "1,", "x", "pc1",
    "p12", "c3", "s:open", "p3,c1", "mean", "rest", "stop", "difference", "beside", "path", "true", "false", "on",
    "off", "yes", "no", "True", "#d62728", "#D62728", "#d627", "red", "two words", "#1", "it's", "back\\\\slash", "")
FILES = ("a.txt", "a folder", "~", "a folder/b.txt")
Path("a.txt").touch()
Path("a folder").mkdir()
Path("a folder/b.txt").touch()
declared = {words: description for words, description, _ in all_commands()}
result["missing"] = sorted(set(COMMANDS) - set(declared))
result["arguments"], result["values"], result["read"] = [], [], {}

def plain(value):
    if hasattr(value, "uint8x4"):
        return "#{:02x}{:02x}{:02x}".format(*value.uint8x4()[:3])
    return list(value) if isinstance(value, tuple) else value

def theirs(annotation, text):
    try:
        value, _, rest = annotation.parse('"%s"' % text if " " in text or not text else text, session)
    except AnnotationError as error:
        return "refused: " + str(error)
    return plain(value) if not rest else "left: " + rest

def compare(verb, name, kind, annotation):
    if kind.often != bool(getattr(annotation, "allow_repeat", False)):
        result["arguments"].append([verb, name, "often"])
    for text in FILES if kind.name == "a file or folder, in quotes where its name has blanks" else SAMPLES:
        try:
            ours = plain(kind.read(text))
        except ValueError:
            continue
        found = theirs(annotation, text)
        if isinstance(ours, Path):  # ChimeraX looks already here whether it is a file or a folder
            if str(found).startswith("refused"):
                continue
            ours, found = ours.absolute(), Path(found).expanduser().absolute()
        result["read"].setdefault(f"{verb} {name}", []).append(text)
        if ours != found or type(ours) is not type(found):
            result["values"].append([verb, name, text, repr(ours), repr(found)])

for verb, command in COMMANDS.items():
    takes, about = command.takes, declared.get(verb)
    if about is None:
        continue
    for some, all_, exact in ((takes.required, about._required, True), (takes.optional, about._optional, True),
                              (takes.keyword, about._keyword, False)):
        if list(some) != list(all_) if exact else not set(some) <= set(all_):
            result["arguments"].append([verb, list(some), list(all_)])
        for name, kind in some.items():
            if name in all_:
                compare(verb, name, kind, all_[name])
    if set(takes.needed) != set(about._required_arguments):
        result["arguments"].append([verb, "needed", list(takes.needed)])
"""


def test_words_of_the_window_outside_are_among_chimeraxs_and_mean_the_same(chimerax):
    folder = chimerax.new_folder()
    chimerax.give(folder)
    found = chimerax.run(f"run('cd {folder}')\n" + _CODE)
    assert found["missing"] == [] and found["arguments"] == []
    assert found["values"] == []
    for verb, command in COMMANDS.items():
        for name in (*command.takes.required, *command.takes.optional, *command.takes.keyword):
            assert found["read"].get(f"{verb} {name}"), (verb, name)  # some text was taken
