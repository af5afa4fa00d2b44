import bz2
import gzip
import struct

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.map_files import interpolate, low_pass, read_map, write_map
from chimerax.flexrec.mesh.map_place import read_centre
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
    [((4, 4, 6), 2, "6 x 4 x 4"), ((4, 4, 4), 0, "true one into its header"), ((4, 4, 4), (2, 2, 3), "cubic voxels")],
)
def test_maps_that_do_not_fit_are_refused(tmp_path, shape, voxel, message):
    with mrcfile.new(tmp_path / "map.mrc") as file:
        file.set_data(np.ones(shape, np.float32))
        file.voxel_size = voxel
    with pytest.raises(InputError, match=message) as refused:
        read_map(tmp_path / "map.mrc")
    assert "--pixel-size" not in str(refused.value)
    if len(set(shape)) == 1:
        with pytest.raises(InputError, match="give --pixel-size"):
            read_map(tmp_path / "map.mrc", option="--pixel-size")


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


def byte_map(path, values, stamp=b"DD\0\0", big=False, imod_flags=None, name=b"MAP "):
    """A map of bytes (mode 0) whose header says what it is told to."""
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(values.view(np.int8))
        file.voxel_size = 2
    raw = bytearray(path.read_bytes())
    if imod_flags is not None:
        struct.pack_into("<2i", raw, 152, 1146047817, imod_flags)
    if big:
        raw[:212] = np.frombuffer(bytes(raw[:212]), "<i4").byteswap().tobytes()
        raw[216:224] = np.frombuffer(bytes(raw[216:224]), "<i4").byteswap().tobytes()
    raw[208:216] = name + stamp
    path.write_bytes(raw)
    return path


def test_bytes_are_signed_unless_imod_or_the_old_format_says_otherwise(tmp_path):
    values = np.arange(0, 256, 4, np.uint8).reshape(4, 4, 4)
    signed, unsigned = values.view(np.int8), values.astype(int)
    for expected, header in [
        (signed, {}), (unsigned, {"imod_flags": 0}), (signed, {"imod_flags": 1}), (unsigned, {"name": b"\0\0\0\0"}),
        (unsigned, {"imod_flags": 0, "big": True}),
    ]:  # fmt: skip
        assert (read_map(byte_map(tmp_path / "bytes.mrc", values, **header))[0] == expected).all(), header


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("stamp", [b"DD\0\0", b"\x11\x11\0\0", b"\0\0\0\0"])
def test_the_byte_order_is_that_of_the_box_whatever_the_machine_stamp(tmp_path, big, stamp):
    values = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    path = byte_map(tmp_path / "bytes.mrc", values, stamp, big)
    assert (read_map(path)[0] == values).all() and read_centre(path).tolist() == [4, 4, 4]


def test_a_volume_of_a_stack_of_volumes_is_a_map(tmp_path):
    grid = gaussian(16, 4.0)
    write_map(tmp_path / "map.mrc", grid, 4.0)
    with mrcfile.open(tmp_path / "map.mrc", "r+") as file:
        file.header.ispg = 401
    assert np.array_equal(read_map(tmp_path / "map.mrc")[0], grid)


@pytest.mark.parametrize("angles, message", [((90, 90, 120), "at 90, 90, 120°"), ((0, 0, 0), ""), ((90, 90, 180), "")])
def test_a_skew_grid_is_refused_and_angles_that_cannot_be_are_right_ones(tmp_path, angles, message):
    write_map(tmp_path / "map.mrc", gaussian(8, 2.0), 2.0)
    raw = bytearray((tmp_path / "map.mrc").read_bytes())
    struct.pack_into("<3f", raw, 52, *angles)
    (tmp_path / "map.mrc").write_bytes(raw)
    if not message:
        assert read_map(tmp_path / "map.mrc")[1] == 2.0
        return
    with pytest.raises(InputError, match=message):
        read_map(tmp_path / "map.mrc")


def test_files_that_are_no_maps_are_called_what_they_are(tmp_path):
    write_map(tmp_path / "map.mrc", gaussian(8, 2.0), 2.0)
    raw = (tmp_path / "map.mrc").read_bytes()
    for name, content, message in [
        ("emd_1234.map.gz", gzip.compress(raw), "gunzip"), ("map.mrc.bz2", bz2.compress(raw), "bunzip2"),
        ("map.hdf", b"\x89HDF" + bytes(2000), "HDF5"), ("map.mrcs", raw, "stack of images"),
    ]:  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_map(tmp_path / name)


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
