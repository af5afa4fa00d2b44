"""Masks and labels that belong to a map, and headers that know less of them than the map's."""

import numpy as np
import pytest
from chimerax.flexrec.engine.maps.solvent_mask import read_mask
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.companion import MapGrid, read_companion
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.mesh.segments import SOLVENT, fill_mask, read_segments
from mesh_shapes import ball, voxel_grid

BOX, PIXEL = 24, 3.0
MIDDLE = np.full(3, BOX // 2 * PIXEL)
GRID = MapGrid(BOX, PIXEL, False, MIDDLE)


def labels(box=BOX):
    return np.where(voxel_grid(box)[0] > 2, 2, 1)


def without_pixel_size(path):
    raw = bytearray(path.read_bytes())
    raw[40:52] = bytes(12)
    path.write_bytes(raw)


@pytest.mark.parametrize("known", [0.0, 1.0])
def test_labels_of_the_same_box_that_do_not_know_their_pixel_size_lie_voxel_on_voxel(tmp_path, known):
    path = tmp_path / "labels.mrc"
    write_map(path, labels(), known or PIXEL)
    if not known:
        without_pixel_size(path)
    part, names = fill_mask(read_segments(path, GRID), ball(BOX, 9), PIXEL, path)
    assert names == (1, 2) and (part + 1 == labels())[ball(BOX, 9)].all()


def test_with_a_told_pixel_size_of_the_map_its_labels_have_it_too(tmp_path):
    write_map(tmp_path / "map.mrc", labels(), 1.35)
    write_map(tmp_path / "labels.mrc", labels(), 1.35)
    assert read_companion(tmp_path / "labels.mrc", MapGrid.of(tmp_path / "map.mrc", PIXEL))[1] == PIXEL
    assert read_companion(tmp_path / "labels.mrc", MapGrid.of(tmp_path / "map.mrc", None))[1] == 1.35


@pytest.mark.parametrize("box, size, centre, message", [
    (BOX, 2 * PIXEL, MIDDLE, "6 Å where those of the consensus have 3 Å; if a header is wrong, give the"),
    (BOX // 2, 1.0, None, "says 1 Å"),
    (BOX // 2, PIXEL, MIDDLE + [9, 0, 0], "a piece that was cut out"),
])  # fmt: skip
def test_what_cannot_be_laid_on_the_map_is_refused(tmp_path, box, size, centre, message):
    write_map(tmp_path / "labels.mrc", labels(box), size, centre)
    with pytest.raises(InputError, match=message):
        read_companion(tmp_path / "labels.mrc", GRID)


@pytest.mark.parametrize("box, size, centre", [
    (BOX, PIXEL, [500.0, 0, 0]),  # the same box is the same voxels
    (BOX // 2, PIXEL, None),  # origins that mean nothing
    (BOX // 2, PIXEL, [0.0, 0, 0]),
    (BOX // 2, PIXEL, MIDDLE),  # and one that says the same place
    (3 * BOX, 1.0, None),  # 1 Å in earnest
])  # fmt: skip
def test_what_lies_on_the_map_is_taken(tmp_path, box, size, centre):
    write_map(tmp_path / "labels.mrc", labels(box), size, centre)
    assert read_companion(tmp_path / "labels.mrc", GRID)[1] == size


def test_labels_that_bytes_have_turned_negative_are_refused(tmp_path):
    write_map(tmp_path / "labels.mrc", np.where(labels() > 1, -56, 0), PIXEL)  # 200 in a byte
    with pytest.raises(InputError, match="label -56, and solvent is 0 or -1"):
        read_segments(tmp_path / "labels.mrc", GRID)
    write_map(tmp_path / "labels.mrc", labels() - 2, PIXEL)
    assert set(np.unique(read_segments(tmp_path / "labels.mrc", GRID).label)) == {SOLVENT, 0}


def test_a_mask_of_half_maps_without_a_pixel_size_has_theirs(tmp_path):
    write_map(tmp_path / "mask.mrc", ball(BOX, 6).astype(np.float32), PIXEL)
    without_pixel_size(tmp_path / "mask.mrc")
    assert (read_mask(tmp_path / "mask.mrc", BOX, PIXEL) == ball(BOX, 6)).all()
