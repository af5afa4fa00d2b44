"""Simulated data as real ones are: preferred views, missing parts, neighbours, noise that differs by micrograph."""

from __future__ import annotations

import json
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
    absent, rows = made.experiment.absent[:, 0], np.arange(250)
    assert absent.mean() == 0.4
    whole = replace(made.experiment, absent=None)
    lost = signal(made.moving, whole, rows) - signal(made.moving, made.experiment, rows)
    part = MovingMolecule.build(made.molecule, made.moving.hinges)
    only = replace(made.moving, weights=np.where(made.moving.part == 0, made.moving.weights, 0).astype(np.float32))
    assert not lost[~absent].any()
    assert np.allclose(lost[absent], signal(only, whole, rows)[absent], atol=1e-3 * np.abs(lost).max())
    assert part.part is None and part.lacking(np.array([True])) is part


def test_one_part_is_lacking_in_the_same_particles_as_ever():
    place = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(8, 0))).permutation((np.arange(250) + 0.5) / 250)
    assert np.array_equal(drawn(drop="fab2: 0.3").experiment.absent, (place < 0.3)[:, None])


def test_several_parts_are_lacking_independently():
    made = drawn(drop="fab2: 0.4; H:231-800,K:231-800 : 0.5", particles=2000)
    fab, fc = made.experiment.absent.T
    assert (fab.mean(), fc.mean()) == (0.4, 0.5) and (fab & fc).mean() == pytest.approx(0.2, abs=0.03)
    rows = np.array([np.flatnonzero((fab == one) & (fc == two))[0] for one in (False, True) for two in (False, True)])
    images = signal(made.moving, made.experiment, rows)
    for row, image in zip(rows, images):
        lacked = made.experiment.absent[row]
        whole = signal(made.moving.lacking(lacked), replace(made.experiment, absent=None), np.array([row]))[0]
        assert np.allclose(image, whole, atol=1e-3 * np.abs(whole).max())


def test_a_part_is_only_there_after_another():
    """As a molecule assembles: four states of three parts that come one after the other, written in any order."""
    made = drawn(drop="fab2: 0.4 after fab1; fab1: 0.5; H:231-800 : 0.5 after fab2", particles=1000)
    second, first, third = made.experiment.absent.T
    assert not (first & ~second).any() and not (second & ~third).any()
    states = [first, second & ~first, third & ~second, ~third]
    assert [state.mean() for state in states] == [0.5, 0.2, 0.15, 0.15]
    branched = drawn(drop="fab1: 0.2; fab2: 0.5 after fab1; H:231-800: 0.5 after fab1", particles=1000).experiment
    first, second, third = branched.absent.T
    assert not (first & ~(second & third)).any() and (second & ~third).any() and (third & ~second).any()


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
    assert truth.absent.shape == (250, 1) and truth.absent.mean() == 0.4
    assert truth.neighbour.mean() == 0.3 and len(set(truth.noise_sigma)) == 3
    lacking = truth.map_at(truth.angles[0], absent=np.array([True]))
    assert lacking.sum() < 0.8 * truth.map_at(truth.angles[0]).sum()


def test_the_truth_names_the_parts_and_reads_what_older_jobs_wrote(tmp_path):
    folder = tmp_path / "001-simulate"
    folder.mkdir()
    run(SIMULATE.build(SMALL | {"drop": "fab1: 0.4; fab2: 0.5 after fab1"}), JobRun(folder, 5))
    truth = load_truth(folder)
    assert truth.dropped == ("fab1", "fab2") and truth.absent.sum(axis=0).tolist() == [100, 175]
    assert truth.record["dropped"][1] == {"part": "fab2", "share": 0.5, "after": "fab1"}
    complete, none = (truth.map_at(truth.angles[0], absent=np.array([lacks, lacks])) for lacks in (False, True))
    assert np.array_equal(complete, truth.map_at(truth.angles[0])) and none.sum() < 0.5 * complete.sum()
    written = {"truth.npz": {"absent": truth.absent[:, 0]}, "points.npz": {"part": truth.moving.part == 0}}
    for name, older in written.items():
        with np.load(folder / name) as file:
            values = dict(file) | older
        np.savez(folder / name, **values)
    record = {key: value for key, value in truth.record.items() if key != "dropped"}
    (folder / "truth.json").write_text(json.dumps(record))
    read = load_truth(folder)
    assert read.dropped == ("1",) and np.array_equal(read.absent, truth.absent[:, :1])
    assert np.array_equal(read.moving.part == 0, truth.moving.part == 0) and read.moving.part.min() == -1


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"views": (0.8,)}, "views"), ({"views": (1.2, 30.0)}, "views"), ({"drop": "fab2"}, "drop"),
     ({"drop": "fab2: 3"}, "drop: '3' of 'fab2' is no share"), ({"drop": "fab7: 0.3"}, "drop: 'fab7' selects nothing"),
     ({"drop": "fab1: 0.3; fab1: 0.2"}, "'fab1' is named twice"), ({"drop": "fab1: 0.3; H:1-20: 0.2"}, "overlap"),
     ({"drop": "fab1: 0.3 after fab2"}, "after 'fab2', which is not dropped"), ({"drop": "fab1: 0.3 if fab2"}, "drop"),
     ({"drop": "fab1: 0.3 after fab2; fab2: 0.1 after fab1"}, "circle"), ({"drop": "fab1: 0.3 after fab1"}, "circle"),
     ({"drop": "fab1: 0; fc: 0; fab2: 0.5"}, "all of the molecule"), ({"noise": (0.1,)}, "noise")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(changes, word):
    with pytest.raises(InputError, match=word):
        drawn(**changes)
