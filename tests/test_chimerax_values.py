"""What every command of ChimeraX takes and returns: numbers within bounds, plain values, in Python, JSON and REST."""

from __future__ import annotations

import json

import pytest
from explored_project import make_project

# A line for each command; {top} is a folder, {job} a project whose jobs may be started and stopped.
LINES = """
flexrec open {top}/project
flexrec volume at 0.2,0.1 level 0.4
flexrec mesh color strain
flexrec flow count 50 threshold 0
flexrec follow #2
flexrec state keep a at -1,0
flexrec state keep "state 1" at 1,0.2
flexrec state show a
flexrec volume at "state 1"
flexrec flow count 50 threshold 0 reference a
flexrec state keep between at a
flexrec state list
flexrec state compare a "state 1"
flexrec state clear
flexrec path pc1 frames 3
flexrec path pc 1 frames 3 range 10,90 at p3
flexrec path z 1 frames 3
flexrec path through a 0.2,0.1 "state 1" frames 3
flexrec path graph p1 a frames 4
flexrec path points {top}/points.csv
flexrec morph a "state 1" frames 3
flexrec play speed 100
flexrec pause
flexrec scrub 0.5
flexrec record {top}/movie.mp4 size 64,48
flexrec save atoms {top}/atoms.pdb at a
flexrec cluster count 3
flexrec select name some near a count 20
flexrec selections
flexrec save particles {top}/some.star selection some
flexrec landscape bins 16
flexrec compare 3
flexrec state remove "state 1"
flexrec unfollow #2
flexrec flow show false
flexrec mesh show false
flexrec engine device auto
flexrec jobs project {top}/project
flexrec log 3 project {top}/project
flexrec watch 3 project {top}/project
flexrec demo folder {top}/new/demo
""".strip()
STARTED = """
flexrec engine python {python} check false
flexrec simulate particles 40 box 32 pixelSize 8 threads 1 project {top}/jobs
flexrec clone 1 particles 30 project {top}/jobs
flexrec stop 2 project {top}/jobs
flexrec resume 2 project {top}/jobs
flexrec stop 2 project {top}/jobs
flexrec stop 1 now true project {top}/jobs
flexrec prep particles 1 project {top}/jobs
flexrec mesh consensus {top}/x.mrc project {top}/jobs
flexrec train prepared 1 project {top}/jobs
flexrec generate project {top}/jobs
flexrec reconstruct project {top}/jobs
flexrec diagnose null project {top}/jobs
flexrec report 1 project {top}/jobs
flexrec maps 1 project {top}/jobs
flexrec run {top}/recipe.toml project {top}/jobs
""".strip()
# what needs a window, long work, an index of packages, umap-learn, particle images, or a recording in a window
ELSEWHERE = {"cancel", "show", "engine install", "umap", "images", "record stop"}


@pytest.fixture
def top(chimerax):
    folder = chimerax.new_folder()
    make_project(folder / "project", sizes=(6.0, 0.5))
    (folder / "points.csv").write_text("0.5,0.5\n0.1,0.2\n")
    line = "ATOM  {0:5d}  CA  ALA A{0:4d}    {1:8.3f}  48.000  48.000  1.00  0.00           C  \n"
    (folder / "atom.pdb").write_text("".join(line.format(i + 1, 40.0 + 3 * i) for i in range(5)) + "END\n")
    (folder / "recipe.toml").write_text("[[job]]\nverb = \"simulate\"\nparticles = 40\nbox = 32\n")
    chimerax.give(folder)
    return folder


RUN = """
import json
from chimerax.core.commands import Command, JSONResult
from chimerax.core.models import Model
from chimerax.flexrec.commands.register import all_commands

def kinds(value, found):
    if isinstance(value, dict):
        for key, one in value.items():
            found.add(type(key).__name__); kinds(one, found)
    elif isinstance(value, list):
        for one in value:
            kinds(one, found)
    else:
        found.add("Model" if isinstance(value, Model) else type(value).__name__)
    return found

def said(line):
    '''A command's result: of which types it is, and what JSON says of it.'''
    value = run(line)
    both, = Command(session).run(line, return_json=True) if line.split()[1] in ONCE_MORE else [None]
    told = None
    if both is not None:
        assert isinstance(both, JSONResult)
        told = json.loads(both.json_value)
    if not isinstance(value, Model) and not any(isinstance(one, Model) for one in value or () if type(value) is list):
        assert json.loads(json.dumps(value)) == value, line
    return sorted(kinds(value, set())), told

ONCE_MORE = {"volume", "mesh", "flow", "path", "state", "selections", "jobs", "scrub", "cluster"} - {"state"}
result["commands"] = [words for words, _, _ in all_commands()]
"""


def test_every_command_returns_plain_values(chimerax, top, engine_python):
    found = chimerax.run(RUN + f"""
run("open {top}/atom.pdb id 2")
for line in {LINES.format(top=top).splitlines()!r}:
    result[line] = said(line)
ONCE_MORE = ()
for line in {STARTED.format(top=top, python=engine_python).splitlines()!r}:
    try:
        result[line] = said(line)
    except UserError as error:  # what a job needs is not there, which it says
        result[line] = [["told"], str(error)]
run("flexrec engine python chimerax check false")
""", offscreen=True)  # fmt: skip
    commands = found.pop("commands")
    plain = {"str", "int", "float", "bool", "NoneType", "Model"}
    for line, (kinds, _) in found.items():
        assert set(kinds) <= plain | {"told"}, line
    tried = {words for words in commands if any(line.startswith(f"flexrec {words}") for line in found)}
    assert set(commands) - tried == ELSEWHERE
    first = {line.split(f"{top}")[0].strip(): told for line, (_, told) in found.items() if told is not None}
    assert first["flexrec volume at 0.2,0.1 level 0.4"] == "#1.1"
    assert first["flexrec mesh color strain"] == "#1.2" and first["flexrec flow count 50 threshold 0"] == "#1.3"
    assert [one["name"] for one in first["flexrec selections"]] == ["some"]
    assert len(first["flexrec path pc1 frames 3"]["z"]) == 3 and sum(first["flexrec cluster count 3"]["size"]) > 0


REST = """
import json, threading, urllib.parse, urllib.request

def steps():
    run("open {top}/atom.pdb id 2")
    run("remotecontrol rest start json true")
    yield 1
    from chimerax.rest_server.cmd import _get_server
    port = _get_server().server_address[1]
    answers = result["answers"] = {{}}
    lines = {lines!r}
    done = threading.Event()

    def ask():
        for line in lines:
            url = "http://localhost:%d/run?%s" % (port, urllib.parse.urlencode({{"command": line}}))
            with urllib.request.urlopen(url, timeout=60) as answer:
                found = json.loads(answer.read())
            answers[line] = [found["error"], found["python values"], found["json values"]]
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    while not done.is_set():
        yield 0.2
    run("remotecontrol rest stop")
"""


def test_a_rest_server_with_json_lives_through_every_command(chimerax, top):
    lines = LINES.format(top=top).splitlines()
    lines.insert(3, "flexrec volume at nan,0")
    found = chimerax.window(REST.format(top=top, lines=lines))["answers"]
    assert list(found) == lines
    wrong = [line for line, (error, _, _) in found.items() if error is not None]
    assert wrong == ["flexrec volume at nan,0"] and "finite" in found[wrong[0]][0]["message"]
    shown = {line: json.loads(told[0]) for line, (error, _, told) in found.items() if error is None}
    assert shown["flexrec flow count 50 threshold 0"] == "#1.3" and shown["flexrec flow show false"] == "#1.3"
    assert shown["flexrec mesh color strain"] == shown["flexrec mesh show false"] == "#1.2"
    assert shown[lines[0]] == "#1"


NUMBERS = """
from chimerax.core.commands import cli
from chimerax.flexrec.commands.arguments import DeclaredArg
from chimerax.flexrec.commands.register import all_commands
from chimerax.flexrec.errors import InputError
import math

def numbers(value):
    if isinstance(value, (list, tuple)):
        return [one for part in value for one in numbers(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []

result["taken"], result["numeric"], told = [], [], {}
for words, about, _ in all_commands():
    for some in (about._required, about._optional, about._keyword):
        for name, annotation in some.items():
            taken = []
            for text in ("1", "1,2", "nan", "inf", "-inf", "1e400", "nan,0", "1,inf"):
                try:
                    value = annotation.parse(text, session)[0]
                    if isinstance(annotation, DeclaredArg):
                        annotation.option.check(value)
                except (cli.AnnotationError, InputError):
                    continue
                found = numbers(value)
                if found and text in ("1", "1,2"):
                    result["numeric"].append(f"{words} {name}")
                if not all(math.isfinite(one) for one in found):
                    result["taken"].append([words, name, text])

# and what is taken, run: it does something or says why not, in one sentence
run("open TOP/atom.pdb id 2")
for line in LINES:
    run(line)
starts = {line.split(" frames")[0].split(" count")[0].split(" speed")[0].split(" bins")[0].split(" level")[0]
          .split(" range")[0].split(" size")[0] for line in LINES if " show false" not in line}
names = {words: [n for k in (a._required, a._optional, a._keyword) for n, an in k.items()
                 if f"{words} {n}" in result["numeric"]] for words, a, _ in all_commands()}
result["wrong"], result["tried"] = [], 0
for start in sorted(starts):
    words = max((one for one in names if start.startswith("flexrec " + one)), key=len, default=None)
    for name in names.get(words, ()) if "project" not in start else ():
        typed = "".join(part.capitalize() if k else part for k, part in enumerate(name.split("_")))
        for value in ("-1", "0", "1", "1e-300", "1e300", "99999999999999999999", "2147483647", "-0", "5,5", "1,2,3"):
            result["tried"] += 1
            try:
                run(f"{start} {typed} {value}")
            except UserError as error:
                if "\\n" in str(error).strip() or not str(error).strip():
                    result["wrong"].append([f"{start} {typed} {value}", str(error)])
            except Exception as error:
                result["wrong"].append([f"{start} {typed} {value}", traceback.format_exc()[-600:]])
"""


def test_no_command_takes_a_number_that_is_none_or_falls_over_a_huge_one(chimerax, top):
    without = ("remove", "unfollow", "demo", "record")
    lines = [line for line in LINES.format(top=top).splitlines() if not any(word in line for word in without)]
    code = NUMBERS.replace("TOP", str(top)).replace("LINES", repr(lines))
    found = chimerax.run("import traceback\n" + code)
    assert found["taken"] == []
    assert {"volume level", "record size", "path pc range", "flow scale", "train epochs"} <= set(found["numeric"])
    assert found["wrong"] == [] and found["tried"] > 200
