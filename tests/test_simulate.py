"""Simulated particles: exact images, the stated conventions, noise, and the job as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.cli.program import main as flexrec
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.simulate.simulate_again import regenerated_images, simulated_by
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.jobs.simulate.simulate_run import run
from chimerax.flexrec.particles import ImageStack, read_particles
from chimerax.flexrec.simulate import load_truth, nufft
from chimerax.flexrec.simulate.experiment import Experiment, draw_states
from chimerax.flexrec.simulate.hinges import parse_hinges
from chimerax.flexrec.simulate.igg import build_igg
from chimerax.flexrec.simulate.molecule import Molecule
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule
from chimerax.flexrec.simulate.random_views import random_rotations
from chimerax.flexrec.simulate.simulated_images import chunk_images, signal
from chimerax.flexrec.simulate.simulated_noise import draw_noise, noise_spectrum

pytestmark = pytest.mark.blank_pictures()

SMALL = {"box": 24, "pixel_size": 12.0, "particles": 250, "resolution": 12.0, "hinges": "fab1: ±30", "threads": 1}


def cloud(position, width=3.0):
    """A molecule of unit points of one chain per point: A, B, …"""
    count = len(position)
    chain = np.array([chr(65 + i) for i in range(count)])
    return Molecule(
        np.array(position, float),
        np.arange(1.0, count + 1),
        chain,
        np.arange(count),
        width,
        np.inf,
        np.zeros(3),
        "cloud",
    )


def points(count=40, seed=0):
    return np.random.default_rng(seed).uniform(-50, 50, (count, 3))


def optics(count, box=32, pixel_size=5.0, **changes):
    """An experiment of rigid, centred particles seen along z in focus without noise."""
    eye = np.tile(np.eye(3), (count, 1, 1))
    plain = Experiment(
        np.zeros((count, 0)), np.zeros(count, np.int32), eye, np.zeros((count, 2)), np.tile([1e4, 1e4, 0], (count, 1)),
        box, pixel_size, 300.0, 2.7, 0.1, 0.0, 1.0, 0,
    )  # fmt: skip
    return replace(plain, **changes)


def run_small(folder, seed=0, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    run(SIMULATE.build(SMALL | changes), JobRun(folder, seed))
    return folder


@pytest.fixture
def model(tmp_path):
    """A model of thirty atoms: chains A and B, 60 Å apart."""
    path = tmp_path / "model.pdb"
    site = points(30, seed=3) / 3 + np.where(np.arange(30) < 15, -30, 30)[:, None] * [1.0, 0, 0]
    line = "ATOM  {:5d}  CA  GLY {}{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00 20.00           C\n"
    path.write_text("".join(line.format(i + 1, "AB"[i // 15], i + 1, *site[i]) for i in range(30)) + "END\n")
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory, drawn_pictures):
    with drawn_pictures():
        return run_small(tmp_path_factory.mktemp("job"))


@pytest.mark.parametrize("box", [24, 25])
def test_images_are_the_exact_transform_of_the_projected_atoms(box):
    moving = MovingMolecule.build(cloud(points(), width=2.0), ())
    rotation = random_rotations(np.random.default_rng(1), 3)
    shift = np.array([[0, 0], [3.3, -7.1], [-11, 2]])
    images = moving.images(np.zeros((3, 0)), rotation, shift, box, 7.0)
    kx, ky = np.fft.rfftfreq(box, 7.0), np.fft.fftfreq(box, 7.0)
    for image, turn, away in zip(images, rotation, shift):
        seen = moving.points @ turn[:2].T - away + box // 2 * 7.0
        exact = np.einsum(
            "a,ay,ax->yx",
            moving.weights,
            np.exp(-2j * np.pi * seen[:, 1:] * ky),
            np.exp(-2j * np.pi * seen[:, :1] * kx),
        )
        exact *= np.exp(-2 * (np.pi * 2.0) ** 2 * (kx[None, :] ** 2 + ky[:, None] ** 2))
        assert np.abs(image - exact).max() < 1e-5 * np.abs(exact).max()


def test_a_point_is_seen_where_the_conventions_say():
    moving = MovingMolecule.build(cloud([[30.0, 10.0, -20.0]], width=6.0), ())
    quarter = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # takes z to x
    images = np.fft.irfft2(
        moving.images(np.zeros((2, 0)), np.stack([np.eye(3), quarter]), np.array([[0, 0], [10.0, -20.0]]), 32, 5.0)
    )
    assert np.unravel_index(images[0].argmax(), (32, 32)) == (16 + 2, 16 + 6)
    assert np.unravel_index(images[1].argmax(), (32, 32)) == (16 + 2 + 4, 16 - 4 - 2)


def test_maps_and_images_agree():
    moving = MovingMolecule.build(cloud(points()), parse_hinges("A,B,C: ±40", cloud(points())))
    state = np.array([25.0])
    density = moving.map_at(state, 32, 5.0)
    image = np.fft.irfft2(moving.images(state[None], np.eye(3)[None], np.zeros((1, 2)), 32, 5.0)[0])
    assert np.allclose(density.sum(axis=0), image, atol=1e-4 * image.max())
    mean = moving.map_at(np.array([[25.0], [-10.0]]), 32, 5.0)
    assert np.allclose(mean, (density + moving.map_at([-10.0], 32, 5.0)) / 2, atol=1e-5 * density.max())


def test_ctf_is_applied_as_relion_defines_it():
    moving = MovingMolecule.build(cloud([[0.0, 0, 0]], width=0.1), ())
    image = np.fft.rfft2(np.fft.ifftshift(signal(moving, optics(1, box=64, pixel_size=2.0), np.arange(1))[0]))
    frequency = np.fft.rfftfreq(64, 2.0)
    wave = 0.0196875
    gamma = np.pi * wave * 1e4 * frequency**2 - np.pi / 2 * 2.7e7 * wave**3 * frequency**4 + np.arcsin(0.1)
    ctf = np.sin(gamma) * np.exp(-2 * (np.pi * 0.1 * frequency) ** 2)
    assert np.allclose(image[0].real, ctf, atol=2e-3)


def test_noise_has_the_stated_variance_and_spectrum():
    rng = np.random.default_rng(0)
    assert draw_noise(rng, 50, None, 64).var() == pytest.approx(1, rel=0.02)
    spectrum = noise_spectrum(64, 20.0)
    assert spectrum[0, 0] / spectrum[0, 32] == pytest.approx(20, rel=1e-6)
    noise = draw_noise(rng, 200, spectrum, 64)
    assert noise.var() == pytest.approx(1, rel=0.02)
    power = (np.abs(np.fft.rfft2(noise)) ** 2).mean(axis=0) / 64**2
    low, high = power[1:5, 1:5].mean(), power[28:36, 28:32].mean()
    assert low / high == pytest.approx(spectrum[1:5, 1:5].mean() / spectrum[28:36, 28:32].mean(), rel=0.15)


def test_the_noise_of_a_chunk_does_not_depend_on_the_others():
    moving = MovingMolecule.build(cloud(points()), ())
    few, many = optics(150, snr=0.5), optics(300, snr=0.5)
    assert np.array_equal(chunk_images(moving, few, 0), chunk_images(moving, many, 0))
    assert not np.array_equal(chunk_images(moving, many, 0), chunk_images(moving, many, 1))


def test_states_are_continuous_or_evenly_shared():
    hinges = parse_hinges("A: 360", cloud(points()))
    angles, state = draw_states(hinges, 1000, 0, seed=1)
    assert len(np.unique(angles)) == 1000 and (state == -1).all()
    angles, state = draw_states(hinges, 1000, 100, seed=1)
    assert (np.bincount(state) == 10).all()
    assert np.allclose(np.diff(np.unique(angles)), 3.6)


def test_the_antibody_is_the_same_every_time_and_looks_like_a_protein():
    first, second = build_igg(4.0), build_igg(4.0)
    assert np.array_equal(first.position, second.position)
    alpha = first.position[first.atom == "CA"]
    assert 1100 < len(alpha) < 1500
    for chain in "HLKM":
        trace = first.position[(first.atom == "CA") & (first.chain == chain)]
        gaps = np.linalg.norm(np.diff(trace, axis=0), axis=1)
        assert gaps.min() > 3.5 and gaps.max() < 4.1
    apart = np.linalg.norm(alpha[:, None] - alpha[None], axis=2) + 10 * np.eye(len(alpha))
    assert apart.min() > 3.5


def test_job_writes_particles_that_equal_the_truth(finished):
    particles = read_particles(finished / "particles.star")
    truth = load_truth(finished)
    assert len(particles) == 250
    assert np.allclose(particles.rotation, truth.rotation, atol=1e-5)
    assert np.allclose(particles.shift, truth.shift, atol=1e-4)
    assert np.allclose(particles.defocus, truth.defocus, atol=0.1)
    assert truth.angles.min() >= -30 and truth.angles.max() <= 30 and truth.angles.std() > 10
    assert truth.hinges[0].selection == "fab1" and not truth.hinges[0].circular
    for name in ("mean.mrc", "consensus.mrc", "labels.mrc", "moving.mrc", "molecule.cif", "simulate.png"):
        assert (finished / name).stat().st_size > 0


def test_consensus_is_made_from_the_images(finished):
    with mrcfile.open(finished / "consensus.mrc") as consensus, mrcfile.open(finished / "mean.mrc") as mean:
        curve = fourier_shell_correlation(consensus.data, mean.data)
        assert curve[1:6].mean() > 0.8 and curve[1:].max() < 0.999
        assert consensus.voxel_size.x == pytest.approx(12.0)


def test_stated_snr_is_the_snr_of_the_images(finished):
    truth = load_truth(finished)
    particles = read_particles(finished / "particles.star")
    noisy = ImageStack(particles).read(np.arange(250))
    clean = signal(truth.moving, optics_of(truth), np.arange(250))
    noise = noisy - clean
    assert noise.var() == pytest.approx(1, rel=0.02)
    assert clean.var(axis=(1, 2)).mean() == pytest.approx(0.1, rel=1e-3)
    assert abs(np.corrcoef(noise.ravel(), clean.ravel())[0, 1]) < 0.01


def optics_of(truth):
    return optics(
        len(truth.angles), truth.box, truth.pixel_size, angles=truth.angles, rotation=truth.rotation, shift=truth.shift,
        defocus=truth.defocus,
    )  # fmt: skip


def test_moving_mask_follows_the_part_and_holds_its_density(finished):
    truth = load_truth(finished)
    only = replace(truth.moving, weights=np.where(truth.moving.moves(), truth.moving.weights, 0))
    here, there = (truth.moving_mask([angle], 48, 6.0) for angle in (-30, 30))
    density = only.map_at([30.0], 48, 6.0)
    assert (density * there).sum() / density.sum() > 0.9
    assert (density * here).sum() / density.sum() < 0.7
    assert 0 <= there.min() and there.max() <= 1 and 0 < there.mean() < 0.1


def test_images_depend_on_the_seed_alone(model, tmp_path):
    changes = {"molecule": model, "hinges": "B: ±20"}
    expected = (run_small(tmp_path / "one", **changes) / "particles.mrcs").read_bytes()
    assert (run_small(tmp_path / "two", threads=3, **changes) / "particles.mrcs").read_bytes() == expected
    assert (run_small(tmp_path / "other", seed=1, **changes) / "particles.mrcs").read_bytes() != expected


def test_images_without_numba_are_the_same_to_rounding(finished, monkeypatch):
    truth, rigid = load_truth(finished), MovingMolecule.build(cloud(points()), ())

    def made() -> tuple[np.ndarray, ...]:
        images = signal(truth.moving, optics_of(truth), np.arange(20))
        return images, truth.map_at([10.0]), rigid.map_at(np.zeros((3, 0)), 32, 5.0)

    compiled = made()
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "chimerax.flexrec.simulate.spread_numba", raising=False)
    monkeypatch.delattr("chimerax.flexrec.simulate.spread_numba", raising=False)
    nufft.compiled.cache_clear()
    assert nufft.compiled() is None
    plain = made()
    nufft.compiled.cache_clear()
    for one, other in zip(compiled, plain):
        assert np.abs(one - other).max() < 1e-5 * np.abs(one).max()


def test_images_are_made_again_where_the_stack_is_gone(model, tmp_path):
    changes = {"molecule": str(model), "hinges": "B: ±20", "noise_ratio": 3.0}
    words = [word for name, value in (SMALL | changes).items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert flexrec(["simulate", *words, "--seed", "4", "--project", str(tmp_path / "project")]) == 0
    folder = tmp_path / "project" / "001-simulate"
    source = read_particles(folder / "particles.star")
    rows = np.array([240, 3, 99, 100, 4])
    wanted = ImageStack(source).read(rows)
    for name in ("particles.mrcs", "particles.star"):
        (folder / name).unlink()
    assert simulated_by(folder / "particles.star") == folder
    assert simulated_by(tmp_path / "particles.star") is None
    without_numba = f"""
import sys
sys.modules["numba"] = None
from pathlib import Path
import numpy as np
from chimerax.flexrec.jobs.simulate.simulate_again import regenerated_images
np.save({str(tmp_path / "again.npy")!r}, regenerated_images(Path({str(folder)!r})).read(np.array({rows.tolist()})))
"""
    subprocess.run([sys.executable, "-c", without_numba], check=True)
    assert np.abs(np.load(tmp_path / "again.npy") - wanted).max() < 1e-5
    again = regenerated_images(folder)
    assert np.abs(again.read(rows) - wanted).max() < 1e-5
    assert again.same_views(rows, source.rotation[rows])
    assert not again.same_views(rows, source.rotation[rows + 1]) and not again.same_views(rows + 100, source.rotation)
    line = model.read_text().splitlines()[0]
    model.write_text(model.read_text().replace(line, f"{line[:30]}{99.0:8.3f}{line[38:]}"))
    with pytest.raises(InputError, match="another by now"):
        regenerated_images(folder)


def test_a_killed_job_goes_on_to_the_same_images(model, tmp_path):
    changes = {"molecule": model, "hinges": "B: ±20", "particles": 4500, "box": 16}
    whole = run_small(tmp_path / "whole", **changes)
    killed = tmp_path / "killed"
    killed.mkdir()
    script = f"""
import os
from pathlib import PosixPath, WindowsPath
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.jobs.simulate.simulate_again import regenerated_images, simulated_by
from chimerax.flexrec.jobs.simulate.simulate_run import run

class Killed(JobRun):
    def progress(self, step, total, **values):
        if step == 31:
            os.kill(os.getpid(), 9)

run(SIMULATE.build({SMALL | changes!r}), Killed({str(killed)!r}))
"""
    code = subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert code.returncode == -9 and (killed / "particles.unfinished").exists()
    steps = []

    class Counting(JobRun):
        def progress(self, step, total, **values):
            steps.append(step)

    run(SIMULATE.build(SMALL | changes), Counting(killed))
    assert steps[0] == 21  # twenty chunks were safe on the disk
    assert (killed / "particles.mrcs").read_bytes() == (whole / "particles.mrcs").read_bytes()
    assert not (killed / "unfinished.json").exists()


def test_a_molecule_that_leaves_the_box_is_refused(tmp_path):
    with pytest.raises(InputError, match="box × pixel_size"):
        run_small(tmp_path, box=16, pixel_size=8.0)


def test_rigid_particles_for_a_null_test(tmp_path):
    truth = load_truth(run_small(tmp_path, hinges="rigid", particles=20))
    assert truth.angles.shape == (20, 0) and truth.hinges == ()
    assert truth.map_at(truth.angles[0]).shape == (24, 24, 24)


def test_what_has_no_use_but_is_no_contradiction_is_told_in_the_log(tmp_path):
    folder = run_small(tmp_path, hinges="rigid", particles=6, states=3, snr=0.0, noise_ratio=5.0)
    log = (folder / "log.txt").read_text()
    assert "states: means nothing where nothing moves." in log
    assert "noise_ratio: means nothing with --snr 0, without noise." in log and "resolution" not in log


def test_poses_can_be_given(finished, model, tmp_path):
    changes = {"molecule": model, "hinges": "B: ±30", "particles": 300}
    truth = load_truth(run_small(tmp_path, poses=finished / "particles.star", seed=9, **changes))
    given = load_truth(finished)
    assert np.allclose(truth.rotation[:250], given.rotation, atol=1e-5)
    assert np.allclose(truth.rotation[250:], given.rotation[:50], atol=1e-5)
    assert not np.allclose(truth.angles[:250], given.angles)
