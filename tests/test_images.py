"""Batches of images in Fourier space: what they hold, and that the threads that make them change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.training.batches import ParticleImages, cropped_transform
from chimerax.flexrec.particles.ctf import ctf_of
from chimerax.flexrec.particles.memory_stack import load_stack
from chimerax.flexrec.particles.prefetch import in_order, processes_here, thread_share
from test_particles_stack import particles, write

COUNT, BOX = 90, 32


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """90 particles with shifts and CTFs, of noise."""
    rng = np.random.default_rng(0)
    stack = write(tmp_path_factory.mktemp("images") / "a.mrcs", rng.normal(size=(COUNT, BOX, BOX)).astype(np.float32))
    plain = particles([stack], [0] * COUNT, rng.permutation(COUNT), box=BOX)
    defocus = np.stack([*rng.uniform(5e3, 3e4, (2, COUNT)), rng.uniform(0, 180, COUNT)], 1)
    return replace(plain, shift=rng.normal(0, 2, (COUNT, 2)), defocus=defocus)


def bits(batches) -> list[bytes]:
    return [getattr(batch, name).numpy().tobytes() for batch in batches for name in ("rows", "images", "transfer")]


@pytest.mark.parametrize("box", [32, 20])
@pytest.mark.parametrize("held", [False, True])
def test_threads_change_no_bit(many, box, held):
    rows = np.array_split(np.random.default_rng(1).permutation(COUNT), 17)
    alone = bits(ParticleImages(many, threads=1).batch(group, box) for group in rows)
    for threads in (1, 2, 5):
        images = ParticleImages(many, stack=load_stack(many) if held else None, threads=threads)
        assert bits(images.batches(rows, box)) == alone


def test_no_groups_no_batches(many):
    assert list(ParticleImages(many).batches([], BOX)) == []


def test_a_batch_is_the_shifted_transform_and_the_ctf(many):
    images, rows = ParticleImages(many), np.array([7, 3])
    batch = images.batch(rows, BOX)
    whole = replace(many, shift=np.round(many.shift))
    moved = torch.fft.irfft2(ParticleImages(whole).batch(rows, BOX).images, s=(BOX, BOX)).numpy()
    still = torch.fft.irfft2(ParticleImages(replace(many, shift=0 * many.shift)).batch(rows, BOX).images).numpy()
    for row, one, other in zip(rows, moved, still, strict=True):
        x, y = whole.shift[row].astype(int)
        np.testing.assert_allclose(one, np.roll(other, (y, x), (0, 1)), atol=1e-5)
    optics = np.array([300.0, 2.7, 0.1])[:, None] * np.ones(2)
    expected = ctf_of(many.defocus[rows], np.zeros(2), *optics, BOX, 1.0)
    np.testing.assert_allclose(batch.transfer.numpy(), expected, atol=1e-6)


def test_a_crop_keeps_the_low_frequencies():
    images = np.random.default_rng(3).normal(size=(2, 24, 24)).astype(np.float32)
    whole, half = np.fft.rfft2(images), cropped_transform(images, 10)
    assert half.dtype == np.complex64 and half.shape == (2, 10, 6)
    np.testing.assert_allclose(half, whole[:, [*range(5), *range(19, 24)], :6], rtol=1e-4, atol=1e-4)


def test_order_is_kept_and_a_mistake_is_told():
    assert list(in_order(lambda n: n * n, range(50), 7)) == [n * n for n in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda n: 1 / n, [2, 1, 0, 1], 3))


def test_threads_are_this_process_s_share(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert thread_share() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "100")
    assert thread_share() == 8
    monkeypatch.delenv("OMP_NUM_THREADS")
    alone = thread_share()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    assert processes_here() == 1000 and thread_share() == 1 <= alone <= 8
