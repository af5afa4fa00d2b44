"""What is drawn first, and what the colours of mesh and arrows mean, in a real ChimeraX."""

from __future__ import annotations

import numpy as np
from trained_models import make_trained


def _job(chimerax):
    folder = chimerax.new_folder()
    job, _ = make_trained(folder)
    chimerax.give(folder)
    return job


def _pictures(folder) -> list[np.ndarray]:
    from PIL import Image

    return [np.asarray(Image.open(folder / f"{name}.png").convert("RGB")).astype(int) for name in ("with", "without")]


_FIRST = """
from chimerax.flexrec.scene.lighting import SHADOWS
view = session.main_view
def look():
    return [view.lighting.multishadow, view.silhouette.enabled]
run("{opens}")
result["first"] = look()
run("close; {opens}")
result["again"] = look()
run("lighting simple; graphics silhouettes false; {opens}")
result["second"] = look()
run("close; lighting flat; graphics silhouettes false; {opens}")
result["own light"] = look()
result["shadows"] = SHADOWS
"""


def test_an_empty_scene_is_lit_softly_and_no_other_is(chimerax):
    job = _job(chimerax)
    for opens in (f"flexrec open {job}", f"open {job} format flexrec"):
        result = chimerax.run(_FIRST.format(opens=opens))
        assert result["first"] == result["again"] == [result["shadows"], True]
        assert result["second"] == result["own light"] == [0, False]


_KEYS = """
import numpy as np
from chimerax.flexrec.scene.colour_key import ScaleKey
def keys():
    return [[key.scale.title, key.scale.labels[-1][0]] for key in session.main_view.overlays()
            if isinstance(key, ScaleKey) and key.shown]
model = run("flexrec open {job}")
mesh = run("flexrec mesh color strain")
result["strain"] = keys()
run("flexrec volume at 1,0.5")
scale = mesh.key.scale
result["of the colours"] = bool(
    {{tuple(colour) for colour in mesh.vertex_colors[:, :3]}} <= {{tuple(colour) for colour in scale.colours}})
arrows = run("flexrec flow count 200 threshold 0")
result["both"] = keys()
run("flexrec mesh color none"); result["none"] = keys()
run("flexrec mesh color rigidity"); result["rigidity"] = keys()
run("hide #1 models"); result["hidden"] = keys()
run("show #1 models; save {folder}/session.cxs; close"); result["closed"] = keys()
run("open {folder}/session.cxs"); result["restored"] = sorted(keys())
run("flexrec flow show false; flexrec mesh show false"); result["off"] = keys()
run("flexrec mesh show true color part"); result["part"] = keys()
for name in ("with", "without"):
    run(f"save {folder}/{{name}}.png width 400 height 300; flexrec mesh show false")
run("close")
result["left"] = len([key for key in session.main_view.overlays() if isinstance(key, ScaleKey)])
"""


def test_keys_say_what_the_colours_mean_and_go_with_them(chimerax):
    job, folder = _job(chimerax), chimerax.new_folder()
    result = chimerax.run(_KEYS.format(job=job, folder=folder), offscreen=True)
    strain, (motion, most) = result["strain"][0], result["both"][1]
    assert strain[0] == "Strain, %" and result["of the colours"]
    assert result["both"][0] == strain and motion == "Motion, Å" and float(most.strip("≥ \u2009")) > 0
    assert result["none"] == [[motion, most]] and [key[0] for key in result["rigidity"]] == ["Rigidity weight", motion]
    assert result["hidden"] == result["closed"] == result["off"] == []
    assert result["restored"] == sorted(result["rigidity"])
    assert result["part"][0][0] == "Part" and int(result["part"][0][1]) >= 1 and result["left"] == 0  # counted from 1
    corner = [picture[-50:, -110:] for picture in _pictures(folder)]
    assert corner[0].max() > 150 and (corner[0] != corner[1]).mean() > 0.1


def test_lines_of_the_mesh_hide_nothing(chimerax):
    """Where a line crosses the map, the map is seen through it."""
    job, folder = _job(chimerax), chimerax.new_folder()
    chimerax.run(
        f"""
model = run("flexrec open {job}")
run("color #1.1 white; transparency #1.1 50; lighting flat depthCue false; graphics silhouettes false")
mesh = run("flexrec mesh color none")
colours = mesh.vertex_colors.copy()
colours[:, 3] = 1  # all but clear
mesh.vertex_colors = colours
for name in ("with", "without"):
    run(f"save {folder}/{{name}}.png width 300 height 300 supersample 1; flexrec mesh show false")
""",
        offscreen=True,
    )
    pictures = _pictures(folder)
    assert pictures[1].max() > 60 and (np.abs(pictures[0] - pictures[1]) > 3).mean() < 0.01
