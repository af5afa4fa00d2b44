"""Two states compared in a real ChimeraX: what is seen, what it means, and how it ends."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.explore.anchors import point_text
from explored_project import make_project
from trained_models import two_blobs

HEAD = """
import numpy as np
from chimerax.core.logger import PlainTextLog
from chimerax.flexrec.scene.scene_model import FlexRecModel

class Said(PlainTextLog):
    excludes_other_logs = propagate_to_chimerax_log = False
    def log(self, level, message):
        said.append(message)
        return False
    def status(self, message, *_):
        status.append(message)
        return False

said, status = [], []
session.logger.add_log(Said())

def opened():
    model, = session.models.list(type=FlexRecModel)
    return model

def seen():
    return sorted(one.name for one in session.models.list() if one.visible and one.name not in
                  ("surface", "closed and open", "moving contour", "p/003-train"))
"""

# where maps are in a window: shares of its width and height, from -1 to 1
PLACES = """
def place(volume):
    view = session.main_view
    surface = volume.surfaces[0]
    points = view.camera.position.inverse() * (surface.scene_position * surface.vertices)
    wide, tall = view.window_size
    if hasattr(view.camera, "field_width"):
        half = view.camera.field_width / 2
    else:
        half = -points[:, 2] * np.tan(np.radians(view.camera.field_of_view) / 2)
    x, y = points[:, 0] / half, points[:, 1] / half * wide / tall
    return [float(one) for one in (x.min(), x.max(), y.min(), y.max())]
"""


@pytest.fixture
def project(chimerax):
    folder = chimerax.new_folder()
    make_project(folder / "p", (9.0, 4.0))
    x, y, z = two_blobs().shape[0] / 2 * 3.0 + np.array([-12.0, 0.0, 0.0])
    (folder / "p" / "atom.pdb").write_text(
        f"ATOM      1  CA  ALA A   1    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C\nEND\n")  # fmt: skip
    chimerax.give(folder)
    return folder / "p"


def opening(project) -> str:
    return f"""
model = run("flexrec open {project}")
run("flexrec state keep closed at -1.5,0; flexrec state keep open at 1.5,0; flexrec state keep same at 1.5,0")
"""


def test_a_difference_stands_in_the_place_of_what_moves_until_it_is_ended(chimerax, project):
    result = chimerax.run(HEAD + opening(project) + f"""
run("open {project}/atom.pdb")
run("flexrec follow #2; flexrec mesh; flexrec volume at 0.5,0")
before = seen()
run("flexrec state compare closed open")
result["compared"] = before, seen()
result["told"] = [one for one in said if "minus" in one][-1]
group, = session.models.list(model_id=(3,))
change, around = group.child_models()
wanted = model.trained.model.decode(np.array([1.5, 0])) - model.trained.model.decode(np.array([-1.5, 0]))
result["off"] = float(np.abs(change.data.array - wanted).max() / wanted.max())
red, blue = sorted(change.surfaces, key=lambda one: one.level)
result["colours"] = [one.color[:3].tolist() for one in (red, blue)]
result["levels"] = [float(one.level / np.abs(wanted).max()) for one in (red, blue)]
result["clear"] = around.surfaces[0].color[3].item()
run("volume #3.1 level -0.1 level 0.2")
result["level"] = model.comparison.description.level
key = model.comparison._shown.key
result["key"] = [key.lines]
run("color #3.2 lime")
result["key"].append(key.lines)
result["overlays"] = [len(session.main_view._overlays)]
run("flexrec state clear; flexrec state clear")
result["overlays"].append(len(session.main_view._overlays))
result["cleared"] = seen() == before, model.comparison.description is None, group.deleted
for number, words in enumerate(("flexrec volume at 0,0", "flexrec path z 1 frames 3; flexrec play", "undo",
                                "close #3", "flexrec state compare open closed; flexrec state clear")):
    run("flexrec state compare closed open")
    during = seen()
    run(words)
    result[words] = during != before == seen() and len(session.models.list(model_id=(3,))) == 0
run("hide #1 models; flexrec state compare closed open; flexrec state clear")
result["hidden by the user"] = not model.display
result["wrong"] = [sentence("flexrec state compare " + words) for words in ("open same", "open nobody")]
run("show #1 models; flexrec state compare closed open; close #1")
result["left"] = seen()
""")
    before, during = result["compared"]
    assert before == ["atom.pdb", "map", "mesh"] and during == ["closed", "open minus closed", "open minus closed"]
    assert "red: more in closed; blue: more in open; grey: closed; contours at ±" in result["told"]
    assert result["off"] < 1e-4 and result["levels"] == pytest.approx([-0.35, 0.35], abs=1e-3)
    red, blue = result["colours"]
    assert red[0] > 2 * red[2] and blue[2] > 2 * blue[0] and result["clear"] < 128
    assert result["level"].startswith("contour at -0.1 (-") and "and 0.2 (" in result["level"]
    key, recoloured = result["key"]
    assert key == [["", "open minus closed"], ["#d63329", "more in closed"], ["#2e73d9", "more in open"],
                   ["#b4b9c2", "closed"]]  # fmt: skip
    assert recoloured == [*key[:3], ["#00ff00", "closed"]] and result["overlays"][0] == result["overlays"][1] + 1
    assert result["cleared"] == [True, True, True]
    for words, ended in result.items():
        assert ended is not False, words
    assert result["wrong"][0] == "open and same are the same point; compare two that differ."
    assert "There is no state 'nobody'" in result["wrong"][1] and result["left"] == ["atom.pdb"]


def test_the_key_and_the_surfaces_are_seen_in_the_same_colours(chimerax, project):
    result = chimerax.run(HEAD + opening(project) + f"""
run("windowsize 500 400; set bgColor black; lighting flat; graphics silhouettes false; view")
run("flexrec state compare closed open")
for name, words in (("both", ""), ("large", " width 1000 height 800"), ("hidden", "")):
    if name == "hidden":
        run("hide #2 models")
    run(f"save {project}/{{name}}.png{{words}} supersample 1")
group, = session.models.list(model_id=(2,))
result["colours"] = [one.color[:3].tolist() for one in sorted(group.child_models()[0].surfaces, key=lambda s: s.level)]
""", offscreen=True)  # fmt: skip
    from PIL import Image

    both, large, hidden = (np.asarray(Image.open(project / f"{name}.png").convert("RGB")).astype(int)
                           for name in ("both", "large", "hidden"))  # fmt: skip
    share = []
    for picture in (both, large):
        tall, wide = picture.shape[:2]
        corner = picture[tall * 2 // 3 :, : wide // 2]
        rest = picture[: tall * 2 // 3]
        paper = (corner.min(axis=2) > 190).mean()
        share.append(paper)
        assert 0.05 < paper < 0.8
        for colour in result["colours"]:
            swatch = np.abs(corner - colour).max(axis=2) < 12
            strong, weak = np.argsort(colour)[[-1, 0]]  # the surface is seen in light, through the grey one
            surface = rest[..., strong] > 1.5 * rest[..., weak] + 10
            assert swatch.sum() > 30 and surface.sum() > 100, colour
    assert share[0] == pytest.approx(share[1], rel=0.1)
    assert hidden.max() < 10


@pytest.mark.parametrize("camera", ["MonoCamera", "OrthographicCamera"])
def test_side_by_side_both_maps_are_in_any_window_and_the_view_comes_back(chimerax, project, camera):
    result = chimerax.run(HEAD + PLACES + opening(project) + f"""
from chimerax.graphics import {camera}
session.main_view.camera = {camera}()  # the command wants a window
result["places"], result["back"] = [], []
for shape in ("900 300", "300 900", "600 600"):
    for turn in ("y 0", "y 40", "x 70"):
        run(f"windowsize {{shape}}; view; turn {{turn}}; zoom 3")
        before = session.main_view.camera.position.matrix.copy()
        run("flexrec state compare closed open how beside; wait 1")
        left, right = session.models.list(model_id=(2,))[0].child_models()
        result["places"].append(place(left) + place(right))
        run("flexrec state clear")
        result["back"].append(float(abs(session.main_view.camera.position.matrix - before).max()))
run("flexrec state compare closed open how beside; turn y 30")
after = session.main_view.camera.position.axes().copy()
run("flexrec state clear; wait 1")
result["turned"] = float(abs(session.main_view.camera.position.axes() - after).max())
result["place"] = place(model.map)
""", offscreen=True)  # fmt: skip
    for *left, a, b, c, d in result["places"]:
        assert left[1] < a  # apart on the screen
        for low, high in ((left[0], left[1]), (a, b), (left[2], left[3]), (c, d)):
            assert -1 < low < high < 1
    widest = [max(places[5] - places[0], max(places[3], places[7]) - min(places[2], places[6]))
              for places in result["places"]]  # fmt: skip
    assert min(widest) > 1.0  # and as large as they may be
    assert max(result["back"]) == 0 and result["turned"] < 1e-6
    assert max(map(abs, result["place"])) < 1


@pytest.mark.parametrize("how", ["difference", "beside"])
def test_a_comparison_is_kept_in_a_session_and_still_ends(chimerax, project, how):
    result = chimerax.run(HEAD + opening(project) + f"""
run("open {project}/atom.pdb")
run("flexrec follow #2; flexrec volume at 0.5,0")
before, camera = seen(), session.main_view.camera.position.matrix.copy()
run("flexrec state compare closed open how {how}")
during, told = seen(), model.comparison.description
run("scenes save one")
run("save {project}/one.cxs; close session; open {project}/one.cxs")
model = opened()
result["kept"] = seen() == during != before and model.comparison.description == told
run("flexrec state clear")
result["ended"] = seen() == before and len(session.models.list(model_id=(3,))) == 0
result["back"] = float(abs(session.main_view.camera.position.matrix - camera).max())
run("flexrec state compare closed open; scenes restore one")
result["scene"] = model.display and model.comparison.description is None
""", offscreen=True)  # fmt: skip
    assert result["kept"] and result["ended"] and result["scene"] and result["back"] < 1e-4


WINDOW = """
def steps():
    run("flexrec show")
    yield 1
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
    from qtpy.QtWidgets import QPushButton
    tool = FlexRecTool.shown(session)
    panel = tool.panel
{opening}
    yield 1
    panel.show_tab(panel.states)
    button = panel.findChild(QPushButton, "end comparison of states")
    found = result["tab"] = []
    def look():
        found.append([button.isEnabled(), panel.states.legend.isVisible()])
    look()
    for row in (0, 1):
        panel.states.list.topLevelItem(row).setSelected(True)
    panel.findChild(QPushButton, "difference of states").click()
    yield 2
    look()
    result["legend"] = panel.states.legend.text()
    result["seen"] = not panel.states.legend.visibleRegion().isEmpty()
    tool.scene.drag(np.array([0.5, 0.2]))  # as the mouse does
    yield 0.5
    look()
    result["shown again"] = model.display
    panel.findChild(QPushButton, "side by side of states").click()
    yield 2
    look()
    button.click()
    yield 0.5
    look()

    run("flexrec volume at 0.25,0.5")
    yield 1
    points = result["status"] = [status[-1]]
    run("flexrec path z 1 frames 5; flexrec play seconds 300")
    yield 0.7
    points.append(status[-1])
    run("flexrec pause")
    yield 0.5
    points.append([status[-1], model.z.tolist()])
    tool.scene.drag(np.array([0.5, 0.2]))
    points.append(status[-1])
    run("flexrec scrub 0")
    points.append([status[-1], model.z.tolist()])
    run("flexrec volume rest")
    points.append(status[-1])
"""


def test_the_tab_ends_a_comparison_and_the_status_line_follows_the_point(chimerax, project):
    code = opening(project).replace("\n", "\n    ")
    result = chimerax.window(HEAD + WINDOW.replace("{opening}", code))
    assert result["tab"] == [[False, False], [True, True], [False, False], [True, True], [False, False]]
    assert "more in closed" in result["legend"] and result["seen"] and result["shown again"]
    typed, playing, ended, dragged, scrubbed, rest = result["status"]
    assert (typed, playing, dragged, rest) == ("z = 0.25,0.5", "", "", "the map at rest")
    for said, z in (ended, scrubbed):
        assert said == f"z = {point_text(z)}"
