"""Every action is declared once, soundly, and appears wherever it can act; a new one too."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress

import new_action
import pytest
from chimerax.flexrec.actions import action_registry
from chimerax.flexrec.actions.action import CHIMERAX, HOSTS, SCENE, TERMINAL, VIEW, VIEWER, WORDS
from chimerax.flexrec.actions.action_pages import pages
from chimerax.flexrec.actions.action_registry import all_actions, host_actions
from chimerax.flexrec.actions.help_sections import renewed
from chimerax.flexrec.cli import program
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.embedding import make_embedding
from chimerax.flexrec.explore.landscape import BINS, BLUR
from chimerax.flexrec.parameters import read_parameters
from explored_project import make_project

# each host has its own functions
OWN = {"jobs", "log", "stop", "report", "resume", "clone", "run", "engine", "engine install", "view", "completion"}


@pytest.fixture
def registered(monkeypatch):
    """The new action, as one line in the registry puts it among the others."""
    monkeypatch.setitem(sys.modules, f"{action_registry.__package__}.new_action", new_action)
    monkeypatch.setattr(action_registry, "MODULES", (*action_registry.MODULES, "new_action"))
    action_registry._module.cache_clear()
    yield new_action.ACTIONS[0]
    action_registry._module.cache_clear()


@pytest.mark.parametrize("action", all_actions(), ids=lambda action: action.words)
def test_every_action_is_declared_soundly(action):
    assert re.fullmatch(r"[a-z]+( [a-z]+)?", action.words) and action.synopsis[0].isupper()
    assert not action.synopsis.endswith(".") and (not action.about or action.about.endswith("."))
    assert (action.run is not None) == (action.needs != VIEW and action.words not in OWN)
    assert any(action.needs in host.has for host in HOSTS)
    for option in action.options():
        assert option.help and re.fullmatch(r"[a-z][a-z0-9_]*", option.name), option
        assert option.name not in ("model", "command", "action"), "taken by every action"
        if not (option.required or option.default is None):
            assert option.check(option.default) == option.default
        if option.name in ("color", "colour"):
            assert set(option.spellings) == {"color", "colour"}
    build = {option.name: option.default for option in action.options() if not option.required}
    if not any(option.required for option in action.options()):
        assert action.build({}) == action.build(build)


def test_what_is_not_said_is_as_in_the_functions_that_do_it():
    landscape, umap = (host_actions(TERMINAL)[words].build({}) for words in ("landscape", "umap"))
    assert (landscape.bins, landscape.blur) == (BINS, BLUR)
    assert (umap.neighbours, umap.min_dist) == make_embedding.__defaults__[:2]


def test_words_are_those_of_one_action_each():
    words = [action.words for action in all_actions()]
    assert len(set(words)) == len(words)


def test_every_action_is_rendered_in_each_host_that_has_what_it_needs(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    for words, action in host_actions(TERMINAL).items():
        with suppress(SystemExit):
            program.main([*words.split(), "--help"])
        said = capsys.readouterr().out
        for option, word in action.in_terminal().items():
            assert (option.name.upper() if word else option.option) in said, (words, option.name)
    assert not {action.needs for action in host_actions(TERMINAL).values()} & {SCENE, VIEW, WORDS}
    assert host_actions(VIEWER).items() <= host_actions(CHIMERAX).items()
    page = pages()["actions.md"]
    assert all(f"### flexrec {action.words}\n" in page for action in all_actions())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("typed, known", [
    ("", {"train", "path", "state", "view"}), ("pa", {"path"}), ("state ke", {"keep"}),
    ("engine ", {"install", "--python"}),
    ("path --in", {"--in-angstroms"}), ("state keep a --a", {"--at"}), ("train --ep", {"--epochs"}),
])  # fmt: skip
def test_a_shell_completes_known_words(capsys, typed, known):
    assert program.main(["completion", "bash"]) == 0
    words = ["flexrec", *typed.split(" ")]
    asked = f"COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; _flexrec"
    said = subprocess.run(
        ["bash", "-c", f'{capsys.readouterr().out}\n{asked}; echo "${{COMPREPLY[@]}}"'], capture_output=True, text=True
    )
    assert known <= set(said.stdout.split()) and not said.stderr
    assert all(word.startswith(words[-1]) for word in said.stdout.split())


def test_a_new_action_is_one_file_and_one_line(registered, tmp_path, monkeypatch, capsys, repository):
    assert host_actions(CHIMERAX)["echo"] is registered
    project = make_project(tmp_path / "project").parent
    monkeypatch.chdir(project)
    assert program.main(["echo", "hello", "--times", "2", "--in-capitals"]) == 0
    assert "flexrec: HELLO HELLO\n" in capsys.readouterr().err
    assert program.main(["echo", "hello", "--times", "0"]) == 2
    page = pages()["actions.md"]
    assert "    flexrec echo sentence [times N] [inCapitals true | false] [model #N]\n" in page
    assert "    flexrec echo [JOB] SENTENCE [options]    (terminal)" in page
    help_page = (repository / "src/docs/user/commands/flexrec.html").read_text(encoding="utf-8")
    assert '<h4 id="echo">flexrec echo</h4>' in renewed(help_page) and '<a href="#echo">echo</a>' in renewed(help_page)


def test_a_new_action_is_a_word_of_the_viewer(registered, tmp_path):
    command_line = pytest.importorskip("chimerax.flexrec.viewer.command_line", exc_type=ImportError)
    scene = Said()
    command_line.run_command(scene, 'flexrec echo "good day" times 2 inCapitals true')
    assert scene.lines == ["GOOD DAY GOOD DAY"]
    with pytest.raises(InputError, match="times must be a whole number from 1 to 9, not '10'"):
        command_line.run_command(scene, "flexrec echo x times 10")


def test_a_new_action_is_a_command_of_chimerax(registered, chimerax):
    """As a command, whose description is made of the declaration, and of this alone."""
    folder = chimerax.new_folder()
    (folder / "new_action.py").write_text(open(new_action.__file__, encoding="utf-8").read())
    make_project(folder / "project")
    chimerax.give(folder)
    found = chimerax.run(f"""
import sys
sys.path.insert(0, "{folder}")
import new_action
from chimerax.flexrec.actions import action_registry
sys.modules[action_registry.__package__ + ".new_action"] = new_action
action_registry.MODULES += ("new_action",)
from chimerax.flexrec.commands.register import register_all
register_all(session.logger)
run("open {folder}/project format flexrec")
result["answer"] = run('flexrec echo "good day" times 2 inCapitals true')
result["refused"] = sentence("flexrec echo x times 10")
result["colours"] = [run("flexrec mesh " + word).colour for word in
                     ("color strain", "colour part", "col rigidity", "colo strain")]
run("flexrec select name some where z1>0 colour #112233")
result["selected"] = [one["colour"] for one in run("flexrec selections")]
""")
    assert found["colours"] == ["strain", "part", "rigidity", "strain"] and found["selected"] == ["#112233"]
    assert found["answer"] == "003-train" and "Expected a whole number from 1 to 9" in found["refused"]


@pytest.mark.parametrize("action", all_actions(), ids=lambda action: action.words)
def test_both_spellings_of_a_colour_are_one_parameter(action):
    names = [option.name for option in read_parameters(action.parameters)]
    assert not {"color", "colour"} <= set(names)


class Said:
    """A scene that keeps what is said."""

    class trained:
        class folder:
            name = "003-train"

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, sentence: str) -> None:
        self.lines.append(sentence)
