"""Batches that are kept are the batches that would be made anew, bit for bit, however many there is room for."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.engine.training.batch_cache import BatchCache
from chimerax.flexrec.engine.training.batches import ParticleImages
from test_images import BOX, COUNT, bits, many  # noqa: F401

BYTES = 12 * BOX * (BOX // 2 + 1)  # of one particle


class Counting(ParticleImages):
    """Counts the images that are made."""

    made = 0

    def batch(self, rows, box):
        self.made += len(rows)
        return super().batch(rows, box)


@pytest.mark.parametrize("room", [0, 1, 40, COUNT, 10 * COUNT])
def test_kept_batches_are_the_same(many, room):  # noqa: F811
    images, plain = Counting(many, threads=2), ParticleImages(many)
    cache = BatchCache(images, budget=room * BYTES)
    for seed in range(3):
        rows = np.array_split(np.random.default_rng(seed).permutation(COUNT), 7)
        assert bits(cache.batches(rows, BOX)) == bits(plain.batch(group, BOX) for group in rows)
    assert images.made == COUNT + 2 * max(0, COUNT - room)


def test_only_what_was_asked_for_is_made(many):  # noqa: F811
    images = Counting(many)
    cache = BatchCache(images)
    some, others = np.arange(0, COUNT, 3), np.arange(COUNT)
    list(cache.batches([some], BOX))
    assert images.made == len(some)
    assert bits(cache.batches([others], BOX)) == bits([ParticleImages(many).batch(others, BOX)])
    assert images.made == COUNT
    assert list(cache.batches([], BOX)) == []


def test_another_box_takes_the_place_of_the_first(many):  # noqa: F811
    images = Counting(many)
    cache, rows = BatchCache(images), [np.arange(COUNT)]
    for box in (BOX, 20, 20, BOX):
        assert bits(cache.batches(rows, box)) == bits([ParticleImages(many).batch(rows[0], box)])
    assert images.made == 3 * COUNT


def test_a_pass_that_is_left_early_is_gone_on_with(many):  # noqa: F811
    cache, rows = BatchCache(ParticleImages(many)), np.array_split(np.arange(COUNT), 9)
    next(iter(cache.batches(rows, BOX)))
    assert bits(cache.batches(rows, BOX)) == bits(ParticleImages(many).batch(group, BOX) for group in rows)
