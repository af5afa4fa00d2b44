"""Samples of images that a field learns from: drawn by how much they say, and counted so that sums stay the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.field.drawn_samples import LEAST, SampleDraw, probabilities
from chimerax.flexrec.engine.projector.central_slices import PlaneSamples, slice_places

BOX, IMAGES = 24, 400


def plane() -> PlaneSamples:
    """The half plane of noise that grows with frequency, within a circle."""
    radius = torch.hypot(*torch.meshgrid(torch.fft.fftfreq(BOX) * BOX, torch.arange(BOX // 2 + 1.0), indexing="ij"))
    return PlaneSamples(torch.where((radius > 0) & (radius < 11), 1 / (1 + 0.1 * radius), torch.zeros(())))


def falling() -> torch.Tensor:
    return torch.exp(-0.3 * torch.arange(BOX // 2 + 1.0))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9, 1.0])
def test_probabilities_are_the_share_on_average(share):
    chance = probabilities(np.random.default_rng(0).exponential(1, 500), share)
    assert abs(chance.mean() - share) < 1e-6 and min(share, LEAST) - 1e-9 <= chance.min() <= chance.max() <= 1


def test_where_all_say_nothing_all_are_as_likely():
    assert np.allclose(probabilities(np.zeros(50), 0.4), 0.4)
    assert np.allclose(probabilities(np.r_[np.zeros(25), np.ones(25)], 1.0), 1)


def test_sums_are_those_of_all_samples_on_average():
    everything = plane()
    draw = SampleDraw(everything, falling(), 0.5, (0, 43, 2))
    drawn = draw.samples(torch.arange(IMAGES))
    assert abs(drawn.index.shape[1] / len(everything.kx) - 0.5) < 0.01
    assert all(len(np.unique(row)) == len(row) for row in drawn.index.numpy())
    values = torch.randn(IMAGES, len(everything.kx)).square() * falling()[torch.hypot(
        everything.kx, everything.ky).long()]  # fmt: skip
    whole, estimate = values @ everything.weights, (drawn.of(values) * drawn.weights).sum(dim=1)
    assert abs(float(estimate.mean() / whole.mean()) - 1) < 0.02
    often = torch.bincount(drawn.index.flatten(), minlength=len(everything.kx)) / IMAGES
    low = torch.hypot(everything.kx, everything.ky) < 3
    assert (often[low] == 1).all() and often.min() > 0


def test_an_image_has_the_same_samples_whatever_it_is_worked_on_with_and_others_in_the_next_pass():
    everything = plane()
    draw = SampleDraw(everything, falling(), 0.5, (7, 43, 0))
    together = draw.samples(torch.tensor([3, 5, 9]))
    assert torch.equal(draw.samples(torch.tensor([5])).index[0], together.index[1])
    later = SampleDraw(everything, falling(), 0.5, (7, 43, 1)).samples(torch.tensor([5]))
    assert not torch.equal(later.index[0].sort().values, together.index[1].sort().values)


def test_all_samples_are_all_of_them_once():
    everything = plane()
    drawn = SampleDraw(everything, falling(), 1.0, (0, 43, 0)).samples(torch.arange(3))
    assert (drawn.index.sort(dim=1).values == torch.arange(len(everything.kx))).all()
    assert torch.allclose(drawn.weights, everything.weights[drawn.index])
    rotation = torch.linalg.qr(torch.randn(3, 3, 3))[0]
    places = slice_places(drawn.kx, drawn.ky, rotation)
    assert torch.equal(places, everything.places(rotation).gather(1, drawn.index[..., None].expand(-1, -1, 3)))
