"""Cropping and downsampling: centre, grey scale, odd sizes and unequal pixels; shells and whitening."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.particles.noise import NoiseSpectrum, outside_disc, subtract_background, whitening_filter
from chimerax.flexrec.particles.resample import ImageResampler, resample_map, resampling_matrix
from chimerax.flexrec.particles.shells import shell_mean, spread


def blob_image(size, pixel_size, at, width=9.0):
    """A Gaussian of ``width`` Å at ``at`` (x, y) Å from the centre size//2."""
    along = (np.arange(size) - size // 2) * pixel_size
    return np.exp(-((along - at[0]) ** 2 + (along[:, None] - at[1]) ** 2) / (2 * width**2)).astype(np.float32)


@pytest.mark.parametrize(
    "size, pixel_size, box, new", [(64, 2.0, 32, 4.0), (65, 2.0, 32, 3.9), (64, 1.7, 31, 3.5), (50, 3.0, 40, 3.0)]
)
def test_images_keep_their_place_and_grey_scale(size, pixel_size, box, new):
    image = blob_image(size, pixel_size, (7.0, -11.0))
    spectrum = ImageResampler(size, pixel_size, box, new).transform(image[None])
    found = np.fft.irfft2(spectrum[0], (box, box)) * new / pixel_size  # undo the thinner view: plain values
    np.testing.assert_allclose(found, blob_image(box, new, (7.0, -11.0)), atol=3e-3)


def test_a_projection_of_the_resampled_map_is_the_resampled_projection():
    rng = np.random.default_rng(0)
    along = np.arange(40) - 20
    fall = np.exp(-(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2) / 40.0)
    density = (rng.normal(size=(40, 40, 40)) * fall).astype(np.float32)
    spectrum = ImageResampler(40, 1.5, 24, 2.4).transform(density.sum(0)[None])
    projection = resample_map(density, 1.5, 24, 2.4).sum(0)
    np.testing.assert_allclose(np.fft.irfft2(spectrum[0], (24, 24)), projection, atol=1e-4 * np.abs(projection).max())


@pytest.mark.parametrize("size, crop, box", [(64, 64, 32), (64, 50, 40), (65, 65, 32), (65, 63, 63), (48, 48, 48)])
def test_the_fast_way_equals_the_general_one(size, crop, box):
    image = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    matrix = resampling_matrix(size, 1.5, box, 1.5 * crop / box)
    expected = matrix @ image @ matrix[: box // 2 + 1].T * (box / crop) ** 3
    found = ImageResampler(size, 1.5, box, 1.5 * crop / box).transform(image[None])[0]
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_one_image_at_a_time_gives_the_same_bits():
    images = np.random.default_rng(0).normal(size=(9, 48, 48)).astype(np.float32)
    resampler = ImageResampler(48, 1.0, 32, 1.5)
    together = resampler.transform(images)
    assert all(np.array_equal(resampler.transform(images[i : i + 1])[0], together[i]) for i in range(9))


def test_coloured_noise_is_measured_and_whitened():
    rng = np.random.default_rng(1)
    true = np.linspace(4.0, 0.5, 17)
    white = rng.normal(size=(400, 32, 32)).astype(np.float32)
    images = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(spread(true, 32)), (32, 32)).astype(np.float32) + 5
    images[:, 12:20, 12:20] += 50  # a bright particle must not count
    background = outside_disc(32, 9)
    spectrum = NoiseSpectrum(background)
    spectrum.add(subtract_background(images, background))
    np.testing.assert_allclose(spectrum.power()[3:], true[3:], rtol=0.1)
    shell_filter = whitening_filter(spectrum.power())
    flat = np.fft.irfft2(np.fft.rfft2(subtract_background(images, background)) * spread(shell_filter, 32), (32, 32))
    assert flat[:, background > 0.99].std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("box", [16, 98])  # 98 × (1 / 98) is not 1 to the last bit
def test_shell_mean_counts_both_halves_of_the_transform(box):
    spectrum = np.abs(np.fft.fft2(np.random.default_rng(2).normal(size=(box, box)))) ** 2
    k = np.fft.fftfreq(box, 1 / box)
    shell = np.rint(np.hypot(k, k[:, None])).astype(int)
    expected = [spectrum[shell == s].mean() for s in range(box // 2 + 1)]
    np.testing.assert_allclose(shell_mean(spectrum[:, : box // 2 + 1]), expected)
