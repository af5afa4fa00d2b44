"""Files through cryoDRGN's own parsers, where a Python that has it is named in FLEXREC_CRYODRGN_PYTHON."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.particles import read_particles, write_star
from chimerax.flexrec.particles.ctf import ctf_rfft
from chimerax.flexrec.particles.pickles import load_arrays_pickle


@pytest.fixture(scope="module")
def cryodrgn():
    """Runs a cryodrgn command."""
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    if not python:
        pytest.skip("no cryoDRGN (name a Python that has it in FLEXREC_CRYODRGN_PYTHON)")

    def run(*words):
        code = "from cryodrgn.command_line import main_commands; main_commands()"
        subprocess.run([python, "-c", code, *map(str, words)], check=True, capture_output=True)

    return run


def transfer(parameters, box, pixel_size):
    """CryoDRGN's formula for its rows (D, Å/px, U, V, angle, kV, Cs, w, phase shift); its sign is the opposite."""
    _, _, u, v, angle, kv, cs, w, phase = parameters
    kx, ky = np.meshgrid(np.fft.rfftfreq(box, pixel_size), np.fft.fftfreq(box, pixel_size))
    k2, theta, volts = kx**2 + ky**2, np.arctan2(ky, kx), kv * 1000
    lam = 12.2639 / np.sqrt(volts + 0.97845e-6 * volts**2)
    df = 0.5 * (u + v + (u - v) * np.cos(2 * (theta - np.radians(angle))))
    gamma = 2 * np.pi * (-0.5 * df * lam * k2 + 0.25 * cs * 1e7 * lam**3 * k2**2) - np.radians(phase)
    return np.sqrt(1 - w**2) * np.sin(gamma) - w * np.cos(gamma)


def test_poses_and_ctf_of_a_written_star(shared_data, tmp_path, cryodrgn):
    source = shared_data / "cryosparc" / "cryosparc_P12_J24_001_particles.cs"
    p = read_particles(source).take(np.arange(0, 2019, 40))
    write_star(tmp_path / "p.star", p)
    cryodrgn("parse_pose_star", tmp_path / "p.star", "-o", tmp_path / "pose.pkl")
    cryodrgn("parse_ctf_star", tmp_path / "p.star", "-o", tmp_path / "ctf.pkl")
    rotation, shift = load_arrays_pickle(tmp_path / "pose.pkl")
    np.testing.assert_allclose(rotation, p.rotation, atol=1e-6)
    np.testing.assert_allclose(shift * 180 * 2.95, p.shift, atol=1e-4)
    rows = load_arrays_pickle(tmp_path / "ctf.pkl")
    without_scale = replace(p, scale=np.ones(len(p)))  # cryoDRGN has no word for it
    for row, found in zip(rows, ctf_rfft(without_scale, 32, 8.0)):
        np.testing.assert_allclose(-transfer(row, 32, 8.0), found, atol=5e-3)


def test_poses_of_a_cs_file(shared_data, tmp_path, cryodrgn):
    source = shared_data / "cryosparc" / "cryosparc_P12_J24_001_particles.cs"
    cryodrgn("parse_pose_csparc", source, "-D", 180, "-o", tmp_path / "pose.pkl")
    rotation, shift = load_arrays_pickle(tmp_path / "pose.pkl")
    p = read_particles(source)
    np.testing.assert_allclose(rotation, p.rotation, atol=1e-5)
    np.testing.assert_allclose(shift * 180 * 2.95, p.shift, atol=1e-3)


@pytest.mark.parametrize("option", [(), ("--uninvert-data",)])
def test_white_protein_is_what_cryodrgn_takes_for_positive_by_default(option, tmp_path, cryodrgn):
    """The sign of its CTF and of its images together, as `cryodrgn_particles` has it."""
    words = ["--particles", 300, "--box", 32, "--pixel-size", 8, "--snr", 1, "--hinges", "rigid", "--threads", 1]
    assert main(["simulate", "--project", str(tmp_path), *map(str, words)]) == 0
    made = tmp_path / "001-simulate"
    for table in ("pose", "ctf"):
        cryodrgn(f"parse_{table}_star", made / "particles.star", "-o", tmp_path / f"{table}.pkl")
    tables = ("--poses", tmp_path / "pose.pkl", "--ctf", tmp_path / "ctf.pkl", "--no-half-maps")
    cryodrgn("backproject_voxel", made / "particles.star", *tables, "--datadir", made, "-o", tmp_path / "out", *option)
    reconstructed, true = read_map(tmp_path / "out" / "backproject.mrc")[0], read_map(made / "consensus.mrc")[0]
    assert read_particles(made / "particles.star").contrast == 1
    correlation = np.corrcoef(reconstructed.ravel(), true.ravel())[0, 1]
    assert correlation < -0.7 if option else correlation > 0.7
