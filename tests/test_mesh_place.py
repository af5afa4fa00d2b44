"""Where maps lie in space: read from MRC headers as ChimeraX does, written, and kept by meshes."""

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh import build_mesh, load_mesh, save_mesh
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.mesh.map_place import first_voxel, read_centre
from mesh_shapes import ball

BOX, PIXEL = 7, 2.0  # odd: the middle voxel is number 3


def make(path, origin=(0, 0, 0), start=(0, 0, 0), **header):
    """An MRC file with ``start`` columns, rows and sections."""
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(np.zeros((BOX,) * 3, np.float32))
        file.voxel_size = PIXEL
        file.header.origin = origin
        for name, value in (*zip(("nxstart", "nystart", "nzstart"), start), *header.items()):
            file.header[name] = value
    return path


def origin(path, pixel_size=None):
    return (read_centre(path, pixel_size) - 3 * (pixel_size or PIXEL)).tolist()


HEADERS = [
    ({}, [0, 0, 0]),
    ({"origin": (10, -20.5, 0)}, [10, -20.5, 0]),
    ({"start": (-5, 7, 1)}, [-10, 14, 2]),
    ({"origin": (0, 0, 3), "start": (-5, 7, 1)}, [0, 0, 3]),
    ({"start": (-5, 7, 1), "mapc": 3, "mapr": 1, "maps": 2}, [14, 2, -10]),
    ({"origin": (1, 2, 3), "mapc": 3, "mapr": 1, "maps": 2}, [1, 2, 3]),
    ({"start": (-5, 7, 1), "mapc": 1, "mapr": 1, "maps": 1}, [-10, 14, 2]),
    ({"origin": (np.nan, 0, 0), "start": (1, 0, 0)}, [2, 0, 0]),
    ({"origin": (1e30, 0, 0), "start": (1, 0, 0)}, [2, 0, 0]),
    ({"start": (70, 0, -70)}, [140, 0, -140]),
    ({"start": (71, 0, 0)}, [0, 0, 0]),
    ({"origin": (10, 0, 0), "start": (1, 2, 3), "map": b"    "}, [2, 4, 6]),
]


@pytest.mark.parametrize("header, expected", HEADERS)
def test_the_origin_counts_and_else_the_start(tmp_path, header, expected):
    assert origin(make(tmp_path / "map.mrc", **header)) == expected


def test_in_the_ccp4_format_the_start_counts_alone(tmp_path):
    assert origin(make(tmp_path / "map.map", (10, 0, 0), (1, 2, 3))) == [2, 4, 6]


def test_another_pixel_size_scales_the_origin_too(tmp_path):
    assert origin(make(tmp_path / "map.mrc", (10, -20, 0)), 1.0) == [5, -10, 0]
    assert origin(make(tmp_path / "map.mrc", start=(1, 2, 3)), 1.0) == [1, 2, 3]
    assert origin(make(tmp_path / "map.mrc", (10, 0, 0), mx=0), 1.0) == [10, 0, 0]  # no pixel size: ChimeraX takes 1 Å


@pytest.mark.parametrize("box", [7, 8])
def test_maps_are_written_where_they_belong(tmp_path, box):
    grid, centre = np.zeros((box,) * 3, np.float32), np.array([12.5, -3.0, 100.0])
    write_map(tmp_path / "map.mrc", grid, PIXEL, centre)
    assert np.allclose(read_centre(tmp_path / "map.mrc"), centre)
    with mrcfile.open(tmp_path / "map.mrc") as file:
        there = [float(file.header.origin[name]) for name in "xyz"]
        assert np.allclose(there, first_voxel(centre, box, PIXEL)) and file.header.nxstart == 0
    write_map(tmp_path / "map.mrc", grid, PIXEL)
    assert (read_centre(tmp_path / "map.mrc") == box // 2 * PIXEL).all()


def test_what_is_no_map_is_refused(tmp_path):
    (tmp_path / "text.mrc").write_text("no map")
    with pytest.raises(InputError, match="text.mrc"):
        read_centre(tmp_path / "text.mrc")


def test_meshes_keep_their_centre_and_older_ones_have_none(tmp_path):
    mesh = build_mesh(ball(16, 5), 3.0)
    save_mesh(tmp_path / "old.npz", mesh)
    assert load_mesh(tmp_path / "old.npz").centre is None
    with np.load(tmp_path / "old.npz") as file:
        arrays = dict(file)
    assert "centre" not in arrays
    np.savez(tmp_path / "new.npz", **arrays, centre=np.array([1.0, -2.0, 3.5]))
    mesh = load_mesh(tmp_path / "new.npz")
    save_mesh(tmp_path / "again.npz", mesh)
    assert load_mesh(tmp_path / "again.npz").centre.tolist() == [1.0, -2.0, 3.5]
    for wrong in (np.array([1.0, np.nan, 0.0]), np.zeros(2), np.array(["a", "b", "c"])):
        np.savez(tmp_path / "wrong.npz", **arrays, centre=wrong)
        with pytest.raises(InputError, match="centre that is no point"):
            load_mesh(tmp_path / "wrong.npz")
