"""A model in a real ChimeraX lies where its consensus lies, and atoms fitted to the consensus lie in its map."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.mesh.map_files import interpolate, write_map
from chimerax.flexrec.mesh.map_place import read_centre
from chimerax.flexrec.models import open_model
from test_mesh_place import HEADERS, make
from trained_models import make_trained, two_blobs

PDB = "ATOM  {:5d}  CA  ALA A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           C  \n"
Z = (0.6, -0.4)


def test_headers_are_read_as_chimerax_reads_them(chimerax):
    folder = chimerax.new_folder()
    paths = [make(folder / f"{number}.mrc", **header) for number, (header, _) in enumerate(HEADERS)]
    paths.append(make(folder / "ccp4.map", (10, 0, 0), (1, 2, 3)))
    scaled = make(folder / "scaled.mrc", (10, -20, 0), (1, 2, 3))
    chimerax.give(folder)
    result = chimerax.run(f"""
result["centres"] = [list(run("open " + path)[0].data.ijk_to_xyz((3, 3, 3))) for path in {list(map(str, paths))!r}]
volume = run("open {scaled}")[0]
run(f"volume #{{volume.id_string}} voxelSize 1.5")
result["scaled"] = list(volume.data.ijk_to_xyz((3, 3, 3)))
""")
    assert np.allclose(result["centres"], [read_centre(path) for path in paths], atol=1e-4)
    assert np.allclose(result["scaled"], read_centre(scaled, 1.5), atol=1e-4)


@pytest.fixture(scope="module", params=["origin", "start"])
def placed(request, chimerax) -> Path:
    """A folder with a consensus of a larger box and finer voxels than the model, which is far from 0,0,0; and atoms."""
    top = chimerax.new_folder()
    first = np.array([62.5, -200.0, 37.5])
    centre = first + 24 * 2.5
    write_map(top / "consensus.mrc", interpolate(two_blobs(), 3.0, 48, 2.5), 2.5, centre)
    if request.param == "start":
        with mrcfile.open(top / "consensus.mrc", "r+") as file:
            file.header.origin = (0, 0, 0)
            file.header.nxstart, file.header.nystart, file.header.nzstart = (first / 2.5).astype(int)
    job, _ = make_trained(top / "project" / "001-train", centre=read_centre(top / "consensus.mrc"))
    # atoms where the consensus is dense, in its own space
    with mrcfile.open(top / "consensus.mrc") as file:
        dense = np.argwhere(file.data > 0.6 * file.data.max())[::10, ::-1] * 2.5 + first
    (top / "atoms.pdb").write_text("".join(PDB.format(i, i, *xyz) for i, xyz in enumerate(dense, 1)) + "END\n")
    chimerax.give(top)
    return top


def test_atoms_on_the_consensus_follow_and_stay_in_the_map(chimerax, placed):
    result = chimerax.run(f"""
import numpy as np
consensus = run("open {placed}/consensus.mrc")[0]
structure = run("open {placed}/atoms.pdb autostyle false")[0]
model = run("flexrec open {placed}/project")
fitted = structure.atoms.scene_coords
result["fitted"] = fitted.tolist()
result["on consensus"] = consensus.interpolated_values(fitted).tolist()
result["on map"] = model.map.interpolated_values(fitted).tolist()
run(f"flexrec follow #{{structure.id_string}}")
mesh = run("flexrec mesh")
arrows = run("flexrec flow threshold 0 reference rest")
volume = run("flexrec volume at {Z[0]},{Z[1]}")
moved = structure.atoms.scene_coords
result["moved"] = moved.tolist()
result["mesh"] = (mesh.scene_position * mesh.vertices).tolist()
shafts = next(one for one in arrows.child_drawings() if one.name == "shafts")
result["arrows"] = (arrows.scene_position * shafts.positions.array()[:, :, 3]).tolist()
result["level"] = volume.level
result["in map"] = volume.interpolated_values(moved).tolist()
surface = volume.surfaces[0]
volume.update_drawings()
result["contour"] = [(surface.scene_position * surface.vertices).min(axis=0).tolist(),
                     (surface.scene_position * surface.vertices).max(axis=0).tolist()]
model.drag(np.array({Z}))
contour = model.dragging.contour
result["moving contour"] = [(contour.scene_position * contour.vertices).min(axis=0).tolist(),
                            (contour.scene_position * contour.vertices).max(axis=0).tolist()]
run("flexrec volume at {Z[0]},{Z[1]}")
run(f"save {placed}/written.mrc model #{{volume.id_string}}")
run("flexrec save atoms {placed}/written.pdb")
run("flexrec state keep one at 0,0"); run("flexrec state keep two at 1,0")
run("flexrec state compare one two")
result["compared"] = [list(one.data.origin) for one in model.comparison._shown.volumes]
run("flexrec volume at {Z[0]},{Z[1]}")
run("save {placed}/kept.cxs")
run("close session")
run("open {placed}/kept.cxs")
from chimerax.flexrec.scene.scene_model import FlexRecModel
from chimerax.atomic import AtomicStructure
model, = session.models.list(type=FlexRecModel)
structure, = session.models.list(type=AtomicStructure)
result["again"] = structure.atoms.scene_coords.tolist()
result["in map again"] = model.map.interpolated_values(structure.atoms.scene_coords).tolist()
result["mesh again"] = (model.parts.mesh.scene_position * model.parts.mesh.vertices).tolist()
run("flexrec volume rest")
result["rest again"] = structure.atoms.scene_coords.tolist()
""")
    flow, z = open_model(placed / "project" / "001-train"), np.array(Z)
    fitted, moved = np.array(result["fitted"]), np.array(result["moved"])
    assert np.allclose(flow.centre, [122.5, -140.0, 97.5], atol=1e-4) and len(fitted) > 20
    assert np.allclose(result["on map"], result["on consensus"], atol=0.1 * np.max(result["on consensus"]))
    assert min(result["in map"]) > 0.5 * result["level"] and np.abs(moved - fitted).max() > 2
    assert np.allclose(moved, flow.displace(z, fitted - flow.centre) + flow.centre, atol=2e-3)
    assert np.allclose(result["mesh"], flow.vertices(z) + flow.centre, atol=1e-3)
    half = flow.box * flow.pixel_size / 2
    assert np.abs(np.array(result["arrows"]) - flow.centre).max() < half
    assert np.allclose(result["contour"], result["moving contour"], atol=flow.pixel_size)
    assert np.allclose(read_centre(placed / "written.mrc"), flow.centre, atol=1e-3)
    lines = [line for line in (placed / "written.pdb").read_text().splitlines() if line.startswith("ATOM")]
    assert np.allclose([[float(line[at : at + 8]) for at in (30, 38, 46)] for line in lines], moved, atol=2e-3)
    assert np.allclose(result["compared"], flow.centre - half, atol=1e-3)
    assert np.allclose(result["again"], moved, atol=2e-3) and np.allclose(result["rest again"], fitted, atol=2e-3)
    assert np.allclose(result["in map again"], result["in map"], atol=1e-2)
    assert np.allclose(result["mesh again"], result["mesh"], atol=1e-3)
