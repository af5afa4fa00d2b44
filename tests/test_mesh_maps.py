import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.map_files import interpolate, low_pass, read_map, write_map
from chimerax.flexrec.particles.resample import resample_box
from mesh_shapes import voxel_grid


def gaussian(box, pixel_size, sigma=8.0, centre=(9.0, -6.0, 4.0)):
    x, y, z = (along * pixel_size for along in voxel_grid(box))
    square = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2
    return np.exp(-square / (2 * sigma**2)).astype(np.float32)


def test_maps_are_read_as_they_were_written(tmp_path):
    grid = gaussian(20, 3.3)
    write_map(tmp_path / "map.mrc", grid, 3.3)
    read, pixel_size = read_map(tmp_path / "map.mrc")
    assert (read == grid).all() and pixel_size == 3.3
    assert read_map(tmp_path / "map.mrc", 2.5)[1] == 2.5


def test_the_axis_order_of_the_header_is_followed(tmp_path):
    grid = gaussian(16, 4.0)
    with mrcfile.new(tmp_path / "map.mrc") as file:
        file.set_data(np.ascontiguousarray(grid.transpose(2, 0, 1)))  # sections along x, rows along z, columns along y
        file.voxel_size = 4.0
        file.header.maps, file.header.mapr, file.header.mapc = 1, 3, 2
    assert (read_map(tmp_path / "map.mrc")[0] == grid).all()


@pytest.mark.parametrize("integer", [np.int8, np.int16, np.uint16])
def test_integer_maps_are_read(tmp_path, integer):
    with mrcfile.new(tmp_path / "map.mrc") as file:
        file.set_data(np.arange(64).reshape(4, 4, 4).astype(integer))
        file.voxel_size = 2
    assert (read_map(tmp_path / "map.mrc")[0] == np.arange(64).reshape(4, 4, 4)).all()


@pytest.mark.parametrize(
    "shape, voxel, message",
    [((4, 4, 6), 2, "6 x 4 x 4"), ((4, 4, 4), 0, "give --pixel-size"), ((4, 4, 4), (2, 2, 3), "cubic voxels")],
)
def test_maps_that_do_not_fit_are_refused(tmp_path, shape, voxel, message):
    with mrcfile.new(tmp_path / "map.mrc") as file:
        file.set_data(np.ones(shape, np.float32))
        file.voxel_size = voxel
    with pytest.raises(InputError, match=message):
        read_map(tmp_path / "map.mrc")


def test_what_is_no_map_is_refused(tmp_path):
    (tmp_path / "text.mrc").write_text("no map " * 400)
    with pytest.raises(InputError, match="text.mrc"):
        read_map(tmp_path / "text.mrc")
    with pytest.raises(InputError, match="absent.mrc"):
        read_map(tmp_path / "absent.mrc")
    write_map(tmp_path / "whole.mrc", gaussian(8, 2.0), 2.0)
    (tmp_path / "cut.mrc").write_bytes((tmp_path / "whole.mrc").read_bytes()[:-40])
    with pytest.raises(InputError, match="ends after 7 of 8"):
        read_map(tmp_path / "cut.mrc")
    broken = gaussian(8, 2.0)
    broken[3, 3, 3] = np.nan
    with pytest.warns(RuntimeWarning, match="NaN"):
        write_map(tmp_path / "nan.mrc", broken, 2.0)
    with pytest.raises(InputError, match="not numbers"):
        read_map(tmp_path / "nan.mrc")


@pytest.mark.parametrize("box, small", [(64, 32), (60, 40), (63, 36)])
def test_fourier_cropping_keeps_a_smooth_map_where_it_is(box, small):
    cropped = resample_box(gaussian(box, 2.0), small)
    assert np.allclose(cropped, gaussian(small, 2.0 * box / small), atol=2e-3)


def test_the_low_pass_halves_the_amplitude_at_its_resolution():
    x, _, _ = voxel_grid(40)
    wave = np.cos(2 * np.pi * x / 10).astype(np.float32)  # 10 voxels of 2 Å: 20 Å
    assert np.allclose(low_pass(wave, 2.0, 20.0), 0.5 * wave, atol=1e-4)
    assert np.allclose(low_pass(np.ones_like(wave), 2.0, 20.0), 1)


def test_resampling_keeps_the_place_in_ångströms():
    assert np.allclose(interpolate(gaussian(48, 2.0), 2.0, 40, 2.4), gaussian(40, 2.4), atol=5e-3)
