"""Images from stacks: every mode, any order, many threads, little memory, damaged files."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import ImageStack, Optics, Particles
from chimerax.flexrec.particles.memory_stack import held_bytes, load_stack
from chimerax.flexrec.particles.mrc import read_header, stack_header


def particles(stacks, stack, index, contrast=1.0, box=8):
    n = len(stack)
    optics = Optics(*np.array([[300.0], [2.7], [0.1], [1.0]]), np.array([box]), ("a",))
    return Particles(
        tuple(Path(s) for s in stacks), np.array(stack, np.int32), np.array(index, np.int64),
        np.broadcast_to(np.eye(3), (n, 3, 3)), np.zeros((n, 2)), np.ones((n, 3)), np.zeros(n), np.zeros(n, np.int32),
        np.zeros(n, np.int8), optics, {}, contrast, Path("source.star"),
    )  # fmt: skip


def write(path, images):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(images)
        file.set_image_stack()
        file.voxel_size = 1.5
    return path


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("order", "<>")
def test_every_mode_and_byte_order(tmp_path, dtype, order):
    images = np.random.default_rng(0).integers(0, 100, (6, 8, 8)).astype(np.dtype(dtype).newbyteorder(order))
    path = write(tmp_path / "a.mrcs", images)
    assert read_header(path).pixel_size == pytest.approx(1.5)
    rows = ImageStack(particles([path], [0] * 6, range(6))).read(np.arange(6))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, images.astype(np.float32))


@pytest.mark.parametrize("dtypes", [("<f2", "<f2"), (">i2", ">i2"), (">f4", ">f4"), ("<f4", "<f4"), ("<f2", "<i2")])
def test_images_held_in_memory_are_those_on_disk(tmp_path, dtypes):
    rng = np.random.default_rng(2)
    paths = [write(tmp_path / f"{i}.mrcs", rng.integers(-9, 9, (6, 8, 8)).astype(t)) for i, t in enumerate(dtypes)]
    of_both = particles(paths, rng.integers(0, 2, 40), rng.integers(0, 6, 40), contrast=-1.0)
    told: list[tuple[int, int]] = []
    held, rows = load_stack(of_both, lambda *words: told.append(words)), rng.permutation(40)[:17]
    same = np.dtype(dtypes[0]).newbyteorder("=") if dtypes[0] == dtypes[1] else np.float32
    assert held.images.dtype == same and told[-1] == (held.images.nbytes,) * 2 == (held_bytes(of_both),) * 2
    for _ in range(2):  # what is handed out is a copy
        np.testing.assert_array_equal(held.read(rows), ImageStack(of_both).read(rows))
    assert held.read(rows).dtype == np.float32


def test_a_stack_that_is_taken_away_is_told_in_a_sentence(tmp_path):
    reader = ImageStack(particles([write(tmp_path / "a.mrcs", np.ones((2, 8, 8), np.float32))], [0], [0]))
    reader.read([0])
    (tmp_path / "a.mrcs").unlink()
    with pytest.raises(InputError, match="can no longer be read"):
        reader.read([0])


def test_extended_header_is_skipped(tmp_path):
    images = np.arange(2 * 64, dtype=np.float32).reshape(2, 8, 8)
    path = write(tmp_path / "a.mrcs", images)
    raw = bytearray(path.read_bytes())
    raw[92:96] = np.int32(80).tobytes()
    path.write_bytes(raw[:1024] + bytes(80) + raw[1024:])
    np.testing.assert_array_equal(ImageStack(particles([path], [0, 0], [1, 0])).read([0, 1]), images[::-1])


def test_any_order_repeats_and_many_stacks_from_many_threads(tmp_path):
    rng = np.random.default_rng(1)
    data = rng.normal(size=(3, 10, 8, 8)).astype(np.float32)
    paths = [write(tmp_path / f"{i}.mrcs", data[i]) for i in range(3)]
    stack, index = rng.integers(0, 3, 200), rng.integers(0, 10, 200)
    reader = ImageStack(particles(paths, stack, index, contrast=-1.0))
    batches = [rng.integers(0, 200, 37) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for rows, images in zip(batches, pool.map(reader.read, batches)):
            np.testing.assert_array_equal(images, -data[stack[rows], index[rows]])
    assert reader.read([]).shape[0] == 0
    np.testing.assert_array_equal(reader.read(np.arange(200) < 2), -data[stack[:2], index[:2]])


def test_memory_does_not_grow_with_the_stack(tmp_path):
    """A sparse file of 2 GB; reading ten of its images takes the memory of ten."""
    path, count = tmp_path / "big.mrcs", 8192
    path.write_bytes(stack_header(count, 256, 1.0))
    os.truncate(path, 1024 + count * 256 * 256 * 4)
    reader = ImageStack(particles([path], np.zeros(count), range(count), box=256))
    tracemalloc.start()
    reader.read(np.arange(0, count, 820))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 10 * 256 * 256 * 4


def test_truncated_stack_says_how_much_is_there(tmp_path):
    path = write(tmp_path / "a.mrcs", np.zeros((6, 8, 8), np.float32))
    os.truncate(path, 1024 + 4 * 256 + 100)
    reader = ImageStack(particles([path], [0] * 5, range(5)))
    assert reader.read([0, 3]).shape == (2, 8, 8)  # whole images are still good
    for act in (reader.check, lambda: reader.read([4])):
        with pytest.raises(InputError, match=r"announces 6 images, the file holds 4, and source.star names image 5"):
            act()


def test_other_bad_stacks(tmp_path):
    path = write(tmp_path / "a.mrcs", np.zeros((6, 8, 8), np.float32))
    with pytest.raises(InputError, match="holds 6 images, but source.star names image 7"):
        ImageStack(particles([path], [0], [6])).check()
    with pytest.raises(InputError, match="image root"):
        ImageStack(particles([tmp_path / "no.mrcs"], [0], [0])).check()
    (tmp_path / "text.mrcs").write_text("data_ " * 400)
    with pytest.raises(InputError, match="not an MRC file"):
        ImageStack(particles([tmp_path / "text.mrcs"], [0], [0])).read([0])
    (tmp_path / "tiny.mrcs").write_text("x")
    with pytest.raises(InputError, match="1 bytes long"):
        ImageStack(particles([tmp_path / "tiny.mrcs"], [0], [0])).read([0])
    with pytest.raises(InputError, match="square"):
        ImageStack(particles([write(tmp_path / "r.mrcs", np.zeros((2, 4, 8), np.float32))], [0], [0])).read([0])
    other = write(tmp_path / "b.mrcs", np.zeros((2, 4, 4), np.float32))
    with pytest.raises(InputError, match="4 pixels wide and others 8"):
        ImageStack(particles([path, other], [0, 1], [0, 0])).read([0, 1])
    raw = bytearray(path.read_bytes())
    raw[12:16] = np.int32(4).tobytes()
    path.write_bytes(raw)
    with pytest.raises(InputError, match="mode 4"):
        read_header(path)


def test_a_compressed_stack_is_called_so(tmp_path):
    path = write(tmp_path / "a.mrcs", np.zeros((6, 8, 8), np.float32))
    path.write_bytes(gzip.compress(path.read_bytes()) + b" " * 2000)
    with pytest.raises(InputError, match="compressed by gzip"):
        read_header(path)
