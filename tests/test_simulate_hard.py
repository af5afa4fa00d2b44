"""Simulated data as real ones are: preferred views, missing parts, neighbours, noise that differs by micrograph."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.simulate.simulate_design import design, read_assembly
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.jobs.simulate.simulate_run import run
from chimerax.flexrec.simulate import load_truth
from chimerax.flexrec.simulate.experiment import CHUNK
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule
from chimerax.flexrec.simulate.simulated_images import signal, some_images

pytestmark = pytest.mark.blank_pictures()

SMALL = {"box": 32, "pixel_size": 10.0, "particles": 250, "resolution": 12.0, "threads": 1, "snr": 0.0}


def drawn(**changes) -> SimpleNamespace:
    """The molecule and the particles of these parameters."""
    parameters = SIMULATE.build(SMALL | changes)
    made = read_assembly(parameters)
    moving = MovingMolecule.build(made.molecule, made.hinges, 1.0, made.part)
    return SimpleNamespace(molecule=made.molecule, moving=moving, experiment=design(parameters, made, 3))


def test_a_share_of_the_views_lies_in_a_cap():
    for share, angle in ((0.8, 30.0), (1.0, 10.0)):
        view = drawn(views=(share, angle), particles=4000).experiment.rotation[:, 2]
        inside = view[:, 2] >= np.cos(np.radians(angle)) - 1e-9
        uniform = (1 - np.cos(np.radians(angle))) / 2  # of the other views
        assert inside.mean() == pytest.approx(share + (1 - share) * uniform, abs=0.02)
        # uniform on the cap: heights are uniform
        assert view[inside, 2].mean() == pytest.approx((1 + np.cos(np.radians(angle))) / 2, abs=0.01)


def test_the_defocus_that_is_told_is_off_and_the_images_are_not(tmp_path):
    right, wrong = (drawn(defocus_error=error).experiment for error in (0.0, 3.0))
    told, true = wrong.refined_particles(tmp_path / "a.mrcs").defocus, wrong.defocus
    assert np.array_equal(true, right.defocus) and np.array_equal(told[:, 2], true[:, 2])
    error = told[:, :2] / true[:, :2] - 1
    assert np.allclose(error[:, 0], error[:, 1]) and error[:, 0].std() == pytest.approx(0.03, rel=0.15)
    assert np.array_equal(right.refined_particles(tmp_path / "a.mrcs").defocus, true)


def test_a_part_that_is_not_there_is_missing_from_the_image():
    made = drawn(drop="fab2: 0.4")
    absent, rows = made.experiment.absent, np.arange(250)
    assert absent.mean() == 0.4
    whole = replace(made.experiment, absent=None)
    lost = signal(made.moving, whole, rows) - signal(made.moving, made.experiment, rows)
    part = MovingMolecule.build(made.molecule, made.moving.hinges)
    only = replace(made.moving, weights=np.where(made.moving.part, made.moving.weights, 0).astype(np.float32))
    assert not lost[~absent].any()
    assert np.allclose(lost[absent], signal(only, whole, rows)[absent], atol=1e-3 * np.abs(lost).max())
    assert part.part is None and part.incomplete() is part


def test_a_neighbour_reaches_in_from_the_rim_and_no_further():
    made = drawn(neighbours=0.5, shift=0.0)
    there, rows = made.experiment.neighbour.there, np.arange(250)
    alone = replace(made.experiment, neighbour=None)
    added = signal(made.moving, made.experiment, rows) - signal(made.moving, alone, rows)
    assert there.mean() == 0.5 and not added[~there].any() and added[there].any(axis=(1, 2)).all()
    power = (added[there] ** 2).mean(axis=0)
    assert power[13:19, 13:19].mean() < 0.1 * power.mean()
    # it is where it was said to be
    offset = made.experiment.neighbour.offset[there] / 10
    x, y = np.meshgrid(np.arange(32) - 16, np.arange(32) - 16)
    weight = added[there] ** 2
    centre = np.stack([(weight * x).sum((1, 2)), (weight * y).sum((1, 2))], 1) / weight.sum((1, 2))[:, None]
    assert (np.sum(centre * offset, 1) > 0).mean() > 0.95


def test_noise_differs_by_micrograph_and_has_a_gradient():
    made = drawn(noise=(0.4, 1.5), snr=1e-9)
    background, rows = made.experiment.background, np.arange(250)
    images = some_images(replace(made.moving, weights=0 * made.moving.weights), made.experiment, rows)
    level = (images - background.ramps(rows, 32)).std(axis=(1, 2))
    assert np.allclose(level, background.level, rtol=0.15) and len(np.unique(background.level)) == -(-250 // CHUNK)
    left, right = images[:, :, :16].mean((1, 2)), images[:, :, 16:].mean((1, 2))
    assert np.corrcoef(right - left, background.gradient[:, 0])[0, 1] > 0.95


def test_all_of_it_is_told_by_the_truth(tmp_path):
    folder = tmp_path / "001-simulate"
    folder.mkdir()
    parameters = SIMULATE.build(SMALL | {"snr": 0.1, "drop": "fab2: 0.4", "neighbours": 0.3, "noise": (0.3, 0.5)})
    run(parameters, JobRun(folder, 5))
    truth = load_truth(folder)
    assert truth.absent.mean() == 0.4 and truth.neighbour.mean() == 0.3 and len(set(truth.noise_sigma)) == 3
    lacking = truth.moving.incomplete().map_at(truth.angles[0], 32, 10.0)
    assert lacking.sum() < 0.8 * truth.map_at(truth.angles[0]).sum()


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"views": (0.8,)}, "views"), ({"views": (1.2, 30.0)}, "views"), ({"drop": "fab2"}, "drop"),
     ({"drop": "fab2: 3"}, "drop"), ({"drop": "fab7: 0.3"}, "fab7"), ({"noise": (0.1,)}, "noise")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(changes, word):
    with pytest.raises(InputError, match=word):
        drawn(**changes)
