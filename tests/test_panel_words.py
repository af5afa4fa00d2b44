"""The words of the window's commands: what is wrong is answered in one sentence, whatever a person types."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.actions.action import VIEWER
from chimerax.flexrec.actions.action_registry import host_actions
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.anchors import are_anchors
from chimerax.flexrec.panel.panel_scene import quoted
from chimerax.flexrec.particles.selection import load_selection
from chimerax.flexrec.viewer.command_line import read_arguments, split_words
from chimerax.flexrec.viewer.slice_view import Slices
from chimerax.flexrec.viewer.slices_scene import SlicesScene
from explored_project import make_project

COMMANDS = host_actions(VIEWER)
WRONG = {
    "flexrec": "commands (cluster", "flexrec follow bins 3": "'follow bins'", "flexrec state": "'state'",
    "flexrec volume at 1,x": "no number, particle", "flexrec volume at 1,#": "at must be a latent point",
    "flexrec volume at": "nothing follows it",
    "flexrec volume at 1,2 at 2,1": "twice", "flexrec volume at 1": "2", "flexrec volume nowhere": "mean or rest",
    "flexrec volume mean rest": "'rest'; its options are at, particle", "flexrec volume mean particle 3": "exclude",
    "flexrec volume particle -1": "from 0", "flexrec volume particle 999": "no particle 999",
    "flexrec volume selection none": "none", 'flexrec open "a': "quote", "flexrec open": "open needs path",
    "flexrec path pc0": "pc0", "flexrec path pc x": "whole number from 1", "flexrec path z1 range 5": "range",
    "flexrec path through": "needs points", "flexrec path through p1 p2 frames 0": "from 2 to",
    "flexrec path frames 3": "along what", "flexrec path through p1 what p2": "'what'",
    "flexrec play lasso x": "'lasso'", "flexrec play speed 0": "from 0.001", "flexrec play": "no path yet",
    "flexrec play loop maybe": "true or false", "flexrec pause now": "it has no options", "flexrec scrub": "say where",
    "flexrec select where x": "select needs name", "flexrec select name a color red": "#d62728",
    "flexrec save particles a.star": "save particles needs selection", "flexrec cluster count 0": "from 1",
    "flexrec state keep": "needs name", "flexrec state compare a": "needs second", "flexrec record a.gif": "no path",
    "flexrec state compare a b how other": "difference or beside", "flexrec record stop": "no movie",
}  # fmt: skip


@pytest.fixture
def scene(qtbot, tmp_path):
    slices = Slices()
    qtbot.addWidget(slices)
    scene = SlicesScene(slices)
    yield scene
    scene.close()


def test_whatever_is_wrong_is_said_in_one_sentence(scene, tmp_path):
    said = []
    scene.failed.connect(said.append)
    assert not scene.run("flexrec play") and "no model is open" in said.pop()
    scene.open(make_project(tmp_path / "project").parent)
    for line, words in WRONG.items():
        assert not scene.run(line), line
        assert len(said) == 1 and words in said[0], (line, said)
        assert said[0].endswith(".") and "\n" not in said.pop()


@pytest.mark.parametrize("text", ["plain", "two words", "it's", 'a "b"', r"C:\new\table", "semi;colon", "", "-1,2"])
def test_what_the_panel_quotes_is_one_word(text):
    assert split_words(f"flexrec state keep {quoted(text)}  at 1,2") == ["flexrec", "state", "keep", text, "at", "1,2"]


def test_values_have_their_kinds():
    line = 'name "a b" lasso ~/x.txt count 3 radius 0.5 invert true and one and two color #D62728 near p3'
    found = read_arguments(COMMANDS["select"], split_words(line))
    assert found == {"name": "a b", "lasso": Path("~/x.txt").expanduser(), "count": 3, "radius": 0.5, "invert": True,
                     "and_": ("one", "two"), "color": "#d62728", "near": "p3"}  # fmt: skip
    points = read_arguments(COMMANDS["path through"], ["p1", "0.5,-1", "c2", "frames", "4"])
    assert points == {"points": ("p1", "0.5,-1", "c2"), "frames": 4}
    with pytest.raises(InputError, match="latent point"):
        read_arguments(COMMANDS["path through"], ["p1", "#4"])
    assert are_anchors("1,2, p3,s:my own") and are_anchors("1,two,state 1") and not are_anchors("1,#2")


def test_selections_are_exported_listed_and_joined(scene, tmp_path):
    said = []
    scene.message.connect(said.append)
    scene.open(make_project(tmp_path / "project").parent)
    assert scene.run(f"flexrec select name right box z1=0:9 export {quoted(str(tmp_path / 'right side.star'))}")
    assert scene.run("flexrec select name left invert true and right")
    chosen = load_selection(scene.trained.project, "right")
    assert (tmp_path / "right side.star").read_text().count("stack.mrcs ") == len(chosen)
    scene.run("flexrec selections remove left")
    assert said[-1].startswith(f"right  {len(chosen)} of 300 ")


def test_paths_and_places_as_in_chimerax(scene, tmp_path):
    said = []
    scene.message.connect(said.append)
    scene.failed.connect(said.append)
    scene.open(make_project(tmp_path / "project").parent)
    scene.run("flexrec path pc 1 frames 7 range 10,90 name mine")
    scene.run("flexrec path")
    assert said[-1] == said[-3] and said[-1].startswith("mine: 7 frames")
    assert not scene.run("flexrec scrub frame 8") and "there is no frame 8" in said[-1]
    scene.run("flexrec scrub frame 7")
    assert scene.z == pytest.approx(scene.path.z[-1]) and scene.place == 1
    scene.run("flexrec morph p1 p2 frames 4 seconds 30")
    assert scene.path.name == "morph p1 p2" and len(scene.path) == 4 and scene.playing
    scene.run("flexrec play stop")
    assert not scene.playing and scene.place == 0


def test_the_examples_folder_is_taken_with_and_without_its_name():
    for words in (["/tmp/a demo"], ["folder", "/tmp/a demo"]):
        assert read_arguments(COMMANDS["demo"], words) == {"folder": Path("/tmp/a demo")}
    assert read_arguments(COMMANDS["demo"], []) == {}
