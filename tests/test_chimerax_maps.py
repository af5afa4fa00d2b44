"""The maps of a reconstruct job in a real ChimeraX: their levels and colours, the key, sessions, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from chimerax.flexrec.mesh.map_files import read_map
from reconstructed_job import make_reconstruction
from reported_jobs import record
from simulated_halves import BOX

CENTRE = np.array([5.0, -7.0, 11.0])

# what a script in ChimeraX says of maps: ids, level, colours of vertices by where they are, ends of the key
_TELL = f"""
import numpy as np

def contour(maps):
    return maps.maps[0].surfaces[0]

def tell(maps):
    surface = contour(maps)
    x = surface.vertices[:, 0] - {CENTRE[0]}  # Å off the middle of the molecule
    colours = surface.get_vertex_colors(create=True)[:, :3].astype(float)
    scale = maps.key.scale
    return {{"names": [volume.name for volume in maps.maps], "id": maps.id_string, "level": surface.level,
            "colour": maps.colour, "key": maps.key.shown, "ends": scale and [scale.lowest, scale.highest],
            "left": colours[x < -10].mean(axis=0).tolist(), "right": colours[x > 10].mean(axis=0).tolist(),
            "count": len(x), "coloured": surface.vertex_colors is not None}}
"""


@pytest.fixture(scope="module")
def project(chimerax):
    """001 has a rigid twin, 002 has none, 003 has not run, 004 is another kind of job."""
    project = chimerax.new_folder()
    make_reconstruction(project / "001-reconstruct", centre=CENTRE)
    make_reconstruction(project / "002-reconstruct", twin=False)
    record(project / "003-reconstruct", "reconstruct")
    record(project / "004-train", "train")
    chimerax.give(project)
    return project


def test_maps_are_coloured_by_resolution_and_by_gain(chimerax, project):
    """Where the rigid map is much noisier, beyond the middle of x, the gain is blue; where both are alike, grey."""
    folder = project / "001-reconstruct"
    about = json.loads((folder / "reconstruct.json").read_text())
    found = chimerax.run(_TELL + f"""
maps = run("flexrec maps 1 project {project}")
result["plain"] = tell(maps)
result["gain"] = tell(run("flexrec maps 1 project {project} color gain"))
values = [child for child in maps.child_models() if child not in maps.maps]
result["values"] = [(child.name, bool(child.display)) for child in values]
surface = contour(maps)
sampled = values[0].interpolated_values(surface.vertices, surface.scene_position)
x = surface.vertices[:, 0] - {CENTRE[0]}
result["sampled"] = [float(np.median(sampled[x < -10])), float(np.median(sampled[x > 10]))]
wanted = maps.key.scale.colour(sampled)[:, :3].astype(int)
result["apart"] = int(np.abs(surface.vertex_colors[:, :3].astype(int) - wanted).max())
run("flexrec maps 1 project {project} colour resolution")
result["resolution"] = tell(maps)
maps.maps[0].set_parameters(surface_levels=[2 * surface.level])
maps.maps[0].update_drawings()
result["higher"] = tell(maps)
run("color #1 orange")
result["orange"] = tell(maps)
result["halves"] = tell(run("flexrec maps 1 project {project} show halves"))
result["rigid"] = tell(run("flexrec maps 1 project {project} show rigid color gain"))
result["opened"] = tell(run("flexrec open {folder}"))
result["by open"] = [type(model).__name__ for model in run("open {project / '002-reconstruct'} format flexrec")]
""")
    plain, gain, resolution = found["plain"], found["gain"], found["resolution"]
    assert plain["names"] == ["sharpened.mrc"] and plain["level"] == pytest.approx(about["contour_level"], rel=1e-5)
    assert plain["colour"] == "none" and not plain["key"] and not plain["coloured"]
    assert gain["id"] == plain["id"] and gain["key"] and found["values"] == [["Finer than the rigid map by, Å", False]]
    files = [read_map(folder / name)[0] for name in ("rigid_local_resolution.mrc", "local_resolution.mrc")]
    known, inside = files[0] - files[1], read_map(folder / "fsc_mask.mrc")[0] > 0.5
    right = np.broadcast_to(np.arange(BOX) > BOX // 2 + 7, inside.shape)
    assert found["sampled"][1] == pytest.approx(np.median(known[inside & right]), rel=0.25)
    assert found["sampled"][1] > 1.0 and abs(found["sampled"][0]) < 0.2
    assert gain["ends"][0] == -gain["ends"][1] and gain["ends"][1] > 1.0 and found["apart"] <= 3
    assert gain["right"][2] > gain["right"][0] + 60 and np.ptp(gain["left"]) < 30  # blue there, grey here
    local = about["local_resolution"]
    assert resolution["colour"] == "resolution" and resolution["key"]
    assert local["0.1"] - 0.5 < resolution["ends"][0] < resolution["ends"][1] < local["0.9"] + 0.8
    assert found["higher"]["count"] != resolution["count"] and found["higher"]["coloured"]
    assert not found["orange"]["key"] and found["orange"]["colour"] == "resolution"
    assert found["halves"]["names"] == ["half1.mrc", "half2.mrc"] and found["halves"]["id"] != plain["id"]
    assert found["rigid"]["names"] == ["rigid_map.mrc"] and found["rigid"]["ends"] is not None
    assert found["opened"]["names"] == ["sharpened.mrc"]
    assert found["by open"] == ["ReconstructedMaps"]


def test_sessions_keep_maps_their_colours_and_the_key(chimerax, project):
    session = project / "kept.cxs"
    found = chimerax.run(_TELL + f"""
from chimerax.flexrec.scene.reconstructed_maps import ReconstructedMaps
for colour in ("resolution", "gain"):
    before = run("flexrec maps 1 project {project} color " + colour)
    result[colour] = tell(before)
    np.save("{project}/before.npy", contour(before).vertex_colors)
    run("save {session}")
    run("close session")
    run("open {session}")
    (after,) = session.models.list(type=ReconstructedMaps)
    result[colour + " again"] = tell(after)
    result[colour + " alike"] = bool((contour(after).vertex_colors == np.load("{project}/before.npy")).all())
    after.maps[0].set_parameters(surface_levels=[1.5 * contour(after).level])
    after.maps[0].update_drawings()
    result[colour + " follows"] = contour(after).vertex_colors is not None
    result[colour + " plain"] = tell(run("flexrec maps 1 project {project}"))
    run("close session")
""")
    for colour in ("resolution", "gain"):
        assert found[colour]["key"] and found[colour + " again"] == found[colour]
        assert found[colour + " alike"] and found[colour + " follows"]
        plain = found[colour + " plain"]
        assert plain["id"] == found[colour]["id"] and not plain["coloured"] and not plain["key"]


def test_what_a_job_has_not_is_a_sentence_and_opens_nothing(chimerax, project):
    found = chimerax.run(f"""
for words in ("2 color gain", "2 show rigid", "3", "4", "9"):
    result[words] = sentence("flexrec maps " + words + " project {project}")
result["left"] = len(session.models.list())
run("flexrec maps 2 project {project} color resolution")
result["kept"] = sentence("flexrec maps 2 color gain project {project}")
result["still"] = [model.colour for model in session.models.list() if hasattr(model, "colour_by")]
""")
    assert "rigid_local_resolution.mrc: only a map under motion" in found["2 color gain"]
    assert "has no rigid_map.mrc" in found["2 show rigid"] and "not with --no-twin" in found["2 show rigid"]
    assert "003-reconstruct has written no map yet" in found["3"]
    assert "004-train is no reconstruct job" in found["4"] and "there is no job 9" in found["9"]
    assert found["left"] == 0 and "rigid_local_resolution" in found["kept"] and found["still"] == ["resolution"]
