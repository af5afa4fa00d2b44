"""RELION's file of bodies as the parts of a mesh."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.mesh.body_file import read_bodies
from chimerax.flexrec.mesh.companion import MapGrid
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.mesh.segments import SOLVENT
from chimerax.flexrec.mesh.storage import load_mesh
from mesh_shapes import blurred, voxel_grid
from test_train import flexrec
from trained_models import PIXEL, two_blobs

TAGS = ("BodyMaskName", "BodyRotateRelativeTo", "BodySigmaAngles", "BodySigmaOffset")
BOX = len(two_blobs())
GRID = MapGrid(BOX, PIXEL, False, np.full(3, BOX // 2 * PIXEL))
HEADER = "data_\n\nloop_\n" + "".join(f"_rln{tag} #{number}\n" for number, tag in enumerate(TAGS, 1))


def write_bodies(folder, *rows: str):
    """A RELION project with masks of three slabs of two blobs that overlap, and the file of its bodies."""
    volume = two_blobs()
    x = voxel_grid(len(volume))[0]
    (folder / "MaskCreate").mkdir(exist_ok=True)
    for number, inside in enumerate((x < -2, (x >= -2) & (x < 5), x >= 5), 1):
        soft = blurred((inside & (volume != 0)).astype(np.float32), 1.0).astype(np.float32)
        write_map(folder / "MaskCreate" / f"body{number}.mrc", np.clip(soft, 0, 1), PIXEL)
    (folder / "Refine3D").mkdir(exist_ok=True)
    path = folder / "Refine3D" / "bodies.star"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


PAIRS = ("MaskCreate/body1.mrc 2 10 2", "MaskCreate/body2.mrc 1 10 2", "MaskCreate/body3.mrc 2 10 2")


def test_voxels_go_to_the_body_that_has_most_of_them(tmp_path):
    segments, joints = read_bodies(write_bodies(tmp_path, *PAIRS), GRID)
    assert joints == "1>2, 2>3"  # the pairs 1-2, 2-1 and 3-2, outward from the first
    volume = two_blobs()
    x = voxel_grid(len(volume))[0]
    for number, inside in enumerate((x < -3, (x >= -1) & (x < 4), x >= 6), 1):
        assert (segments.label[inside & (volume != 0)] == number).mean() > 0.99
    assert segments.label[0, 0, 0] == SOLVENT and segments.pixel_size == pytest.approx(PIXEL)


@pytest.mark.parametrize("third, joints", [(2, "1>2, 2>3"), (-1, ""), (0, "")])
def test_a_body_may_turn_against_none(tmp_path, third, joints):
    rows = (*PAIRS[:2], f"MaskCreate/body3.mrc {third} 10 2")
    assert read_bodies(write_bodies(tmp_path, *rows), GRID)[1] == joints


def test_a_mesh_job_makes_parts_of_bodies(tmp_path):
    path = write_bodies(tmp_path, *PAIRS)
    write_map(tmp_path / "map.mrc", two_blobs(), PIXEL)
    project = tmp_path / "project"
    asked = ("--consensus", tmp_path / "map.mrc", "--coarseness", 8, "--bodies", path)
    assert flexrec(project, "mesh", *asked) == 0
    mesh = load_mesh(project / "001-mesh" / "mesh.npz")
    assert mesh.parts == 3 and mesh.joints == ((0, 1), (1, 2))
    labels = read_map(project / "001-mesh" / "parts.mrc")[0]
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert flexrec(project, "mesh", *asked, "--joints", "2>1, 2>3") == 0
    assert load_mesh(project / "002-mesh" / "mesh.npz").joints == ((1, 0), (1, 2))


@pytest.mark.parametrize("rows, complaint", [
    (("MaskCreate/body1.mrc 2 10 2", "MaskCreate/gone.mrc 1 10 2"), "the mask MaskCreate/gone.mrc is not there"),
    (("MaskCreate/body1.mrc 2 10 2",), "names 1 body"),
    (("MaskCreate/body1.mrc 2 10 2", "MaskCreate/body2.mrc 7 10 2"), "body 2 turns against one that is not there"),
    (("MaskCreate/body1.mrc 2 10 2", "MaskCreate/body2.mrc nan 10 2"), "body 2 turns against one that is not there"),
    (("MaskCreate/body1.mrc 2 10 2", "MaskCreate/body1.mrc 1 10 2"), "body 2 has no voxel of its own"),
])  # fmt: skip
def test_a_file_that_does_not_fit_is_a_sentence(tmp_path, rows, complaint):
    with pytest.raises(InputError, match=complaint):
        read_bodies(write_bodies(tmp_path, *rows), GRID)


def test_a_mask_of_bytes_does_not_take_everything(tmp_path):
    path = write_bodies(tmp_path, *PAIRS)
    mask, _ = read_map(tmp_path / "MaskCreate" / "body2.mrc")
    write_map(tmp_path / "MaskCreate" / "body2.mrc", 255 * mask, PIXEL)
    with pytest.raises(InputError, match="body2.mrc has values from 0 to 255"):
        read_bodies(path, GRID)


def test_a_star_file_without_bodies_is_refused(tmp_path):
    path = tmp_path / "other.star"
    path.write_text("data_\n\nloop_\n_rlnImageName #1\n000001@a.mrcs\n")
    with pytest.raises(InputError, match="no column _rlnBodyMaskName"):
        read_bodies(path, GRID)
