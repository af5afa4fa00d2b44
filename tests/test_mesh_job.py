import json
import pickle

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.mesh.mesh_parameters import MESH
from chimerax.flexrec.jobs.mesh.mesh_run import HALF_MAP, run
from chimerax.flexrec.mesh import load_mesh
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.particles.resample import resample_box
from mesh_shapes import ball, blurred, dumbbell, voxel_grid

pytestmark = pytest.mark.blank_pictures()
BOX, PIXEL = 48, 3.0


@pytest.fixture
def consensus(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.05, (BOX,) * 3)
    write_map(tmp_path / "consensus.mrc", blurred(dumbbell(BOX)) + noise, PIXEL)
    return tmp_path / "consensus.mrc"


def run_job(tmp_path, name="job", **values):
    folder = tmp_path / name
    folder.mkdir()
    run(MESH.build(values), JobRun(folder))
    return folder, json.loads((folder / "quality.json").read_text())


def test_a_mesh_job_writes_everything_from_one_map(tmp_path, consensus, drawn_pictures):
    with drawn_pictures():
        folder, quality = run_job(tmp_path, consensus=consensus, parts=1)
    mesh = load_mesh(folder / "mesh.npz")
    mask, pixel_size = read_map(folder / "mask.mrc")
    assert (mesh.mask == (mask > 0)).all() and pixel_size == PIXEL == mesh.pixel_size
    assert np.allclose(read_map(folder / "consensus.mrc")[0], read_map(consensus)[0])
    assert quality["orphan_voxels"] == 0 and quality["connected_components"] == 1 and len(quality["parts"]) == 1
    assert quality["strong_density_cut"] == 0
    assert mask[dumbbell(BOX)].min() > 0.99 and (mask > 0).mean() < 4 * dumbbell(BOX).mean()
    assert (folder / "mesh.png").read_bytes()[:4] == b"\x89PNG" and (folder / "mesh.png").stat().st_size > 50_000
    assert {path.name for path in folder.iterdir()} >= {"parts.mrc", "log.txt", "progress.jsonl"}


def test_parts_found_in_the_map_can_be_edited_and_given_back(tmp_path, consensus):
    folder, quality = run_job(tmp_path, consensus=consensus, parts=0, rigid=(2,))
    assert [part["label"] for part in quality["parts"]] == [1, 2]
    assert quality["joints"][0]["shared_vertices"] > 3
    assert quality["parts"][1]["mean_weight"] == 20 > 1 >= quality["parts"][0]["mean_weight"]
    again, second = run_job(
        tmp_path, "again", consensus=consensus, segments=folder / "parts.mrc", joints="2>1", rigid=(2,)
    )
    first_mesh, second_mesh = load_mesh(folder / "mesh.npz"), load_mesh(again / "mesh.npz")
    assert (first_mesh.cells == second_mesh.cells).all() and (first_mesh.part == second_mesh.part).all()
    assert second_mesh.joints == ((1, 0),) and second["joints"][0]["from"] == 2


def test_a_mesh_taken_from_elsewhere_is_kept(tmp_path, consensus):
    folder, _ = run_job(tmp_path, consensus=consensus, parts=2, cryosparc="voxel")
    mesh = load_mesh(folder / "mesh.npz")
    with np.load(folder / "cryosparc_mesh.npz") as arrays, open(tmp_path / "mesh.pkl", "wb") as file:
        pickle.dump({name: arrays[name] if arrays[name].ndim else arrays[name].item() for name in arrays}, file)
    np.savez(tmp_path / "weights.npz", weights=np.full(len(mesh.cells), 0.7))
    for name, source in (("npz", folder / "mesh.npz"), ("pkl", tmp_path / "mesh.pkl")):
        other, quality = run_job(tmp_path, name, consensus=consensus, mesh=source, weights=tmp_path / "weights.npz")
        copy = load_mesh(other / "mesh.npz")
        assert np.allclose(copy.vertices, mesh.vertices, atol=1e-3) and (copy.cells == mesh.cells).all()
        assert (copy.voxel_cell == mesh.voxel_cell).all() and copy.joints == mesh.joints
        assert np.allclose(copy.weights, 0.7)
    assert quality["cryosparc"]["unit"] == "voxel" and quality["cryosparc"]["fit"] == 1


def test_an_inverted_mesh_is_not_taken(tmp_path, consensus):
    folder, _ = run_job(tmp_path, consensus=consensus)
    with np.load(folder / "mesh.npz") as arrays:
        broken = {**arrays, "cells": arrays["cells"][:, [1, 0, 2, 3]]}
    np.savez(tmp_path / "broken.npz", **broken)
    with pytest.raises(InputError, match="inverted"):
        run_job(tmp_path, "other", consensus=consensus, mesh=tmp_path / "broken.npz")
    assert not (tmp_path / "other" / "mesh.npz").exists()


def test_large_maps_are_cropped_in_fourier_space(tmp_path, consensus):
    folder, quality = run_job(tmp_path, consensus=consensus, box=32)
    assert quality["box"] == 32 and quality["pixel_size"] == 4.5
    assert read_map(folder / "mask.mrc")[0].shape == (32, 32, 32)
    with pytest.raises(InputError, match="box: 96"):
        run_job(tmp_path, "larger", consensus=consensus, box=96)


def test_the_folder_of_a_job_stands_for_its_consensus(tmp_path, consensus):
    folder, _ = run_job(tmp_path, consensus=tmp_path, coarseness=8, parts=1)
    assert np.allclose(read_map(folder / "consensus.mrc")[0], read_map(consensus)[0])
    with pytest.raises(InputError, match="nothing has no consensus.mrc"):
        (tmp_path / "nothing").mkdir()
        run_job(tmp_path, "other", consensus=tmp_path / "nothing")


def test_cells_that_are_smaller_than_voxels_are_said(tmp_path):
    write_map(tmp_path / "small.mrc", resample_box(blurred(dumbbell(BOX)), 16), 9.0)
    folder, _ = run_job(tmp_path, consensus=tmp_path / "small.mrc", coarseness=18, parts=1)
    assert "The cells are smaller than a voxel of 9 Å (18 cells across a box of 16 voxels)" in (
        folder / "log.txt").read_text(encoding="utf-8")  # fmt: skip


def test_a_given_mask_is_used_and_may_not_cut_the_molecule(tmp_path, consensus):
    write_map(tmp_path / "wide.mrc", ball(BOX, 21).astype(np.float32), PIXEL)
    folder, _ = run_job(tmp_path, consensus=consensus, mask=tmp_path / "wide.mrc", mask_pad=0.0)
    assert (load_mesh(folder / "mesh.npz").mask == ball(BOX, 21)).all()
    write_map(tmp_path / "half.mrc", ball(BOX, 12, (-11, 0, 0)).astype(np.float32), PIXEL)
    with pytest.raises(InputError, match="cuts off .* of the strong density"):
        run_job(tmp_path, "half", consensus=consensus, mask=tmp_path / "half.mrc")
    folder, quality = run_job(tmp_path, "meant", consensus=consensus, mask=tmp_path / "half.mrc", mask_cut=1.0)
    assert 0.3 < quality["strong_density_cut"] < 0.6
    write_map(tmp_path / "small.mrc", ball(24, 10).astype(np.float32), PIXEL)
    with pytest.raises(InputError, match="box is 72.0 Å wide"):
        run_job(tmp_path, "small", consensus=consensus, mask=tmp_path / "small.mrc")


@pytest.mark.parametrize("name, half", [
    ("run_half1_class001_unfil", True), ("J12_volume_map_half_B", True), ("half_map_2", True),
    ("emd_1_half_map_1", True),
    ("run_class001", False), ("half128", False), ("behalf", False),
])  # fmt: skip
def test_half_maps_are_known_by_their_names(name, half):
    assert bool(HALF_MAP.search(name)) == half


def test_labels_that_grew_far_or_lie_outside_are_told(tmp_path, consensus):
    x, y, _ = voxel_grid(BOX)
    labels = np.where(ball(BOX, 5), np.where(x < 0, 1, 2), np.where(y > BOX // 2 - 2, 3, 0))
    write_map(tmp_path / "labels.mrc", labels, PIXEL)
    folder, quality = run_job(tmp_path, consensus=consensus, segments=tmp_path / "labels.mrc")
    log = (folder / "log.txt").read_text()
    assert [part["label"] for part in quality["parts"]] == [1, 2] == list(load_mesh(folder / "mesh.npz").labels)
    assert "Labels 3 have no voxel in the mask" in log and "% is labelled" in log


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_a_map_of_whole_numbers_is_as_one_whose_solvent_is_0(tmp_path, consensus, threshold):
    volume, _ = read_map(consensus)
    write_map(tmp_path / "bytes.mrc", np.rint(200 + 100 * volume), PIXEL)
    _, first = run_job(tmp_path, consensus=consensus, mask_threshold=threshold)
    folder, second = run_job(tmp_path, "bytes", consensus=tmp_path / "bytes.mrc",
                             mask_threshold=None if threshold is None else 200 + 100 * threshold)  # fmt: skip
    assert [part["voxels"] for part in second["parts"]] == pytest.approx(
        [part["voxels"] for part in first["parts"]], rel=0.02
    )
    assert "solvent has a density of 200" in (folder / "log.txt").read_text()
    assert abs(np.median(read_map(folder / "consensus.mrc")[0])) < 5


def test_a_dark_molecule_is_no_mesh_unless_a_mask_is_given(tmp_path, consensus):
    volume = read_map(consensus)[0]
    ringing = blurred(dumbbell(BOX), 6.0) - volume  # an edge of dark density is bright
    write_map(tmp_path / "dark.mrc", ringing, PIXEL)
    with pytest.raises(InputError, match="dark .negative. in the consensus map"):
        run_job(tmp_path, consensus=tmp_path / "dark.mrc")
    write_map(tmp_path / "mask.mrc", ball(BOX, 21).astype(np.float32), PIXEL)
    folder, quality = run_job(tmp_path, "masked", consensus=tmp_path / "dark.mrc", mask=tmp_path / "mask.mrc")
    assert quality["strong_density_cut"] == 0 and "cannot be told" in (folder / "log.txt").read_text()


def test_a_mask_of_other_voxels_has_no_islands(tmp_path, consensus):
    write_map(tmp_path / "binned.mrc", ball(BOX // 2, 10).astype(np.float32), 2 * PIXEL)
    folder, quality = run_job(tmp_path, consensus=consensus, mask=tmp_path / "binned.mrc", mask_pad=0.0)
    assert quality["connected_components"] == 1
    assert (read_map(folder / "mask.mrc")[0][~ball(BOX, 22)] == 0).all()


@pytest.mark.parametrize(
    "values, message",
    [
        ({"joints": "1>2, 2>1"}, "cycle"),
        ({"joints": "1>5"}, "part 5"),
        ({"rigid": (9,)}, "no part 9"),
        ({"parts": 2}, "--segments"),
        ({"joints": "1>2, 2>3"}, "do not touch"),
    ],
)
def test_parts_that_cannot_be_are_refused(tmp_path, consensus, values, message):
    x = voxel_grid(BOX)[0]
    labels = np.where(x < -5, 1, np.where(x < 5, 3, 2))
    write_map(tmp_path / "labels.mrc", labels, PIXEL)
    with pytest.raises(InputError, match=message):
        run_job(tmp_path, consensus=consensus, segments=tmp_path / "labels.mrc", **values)
    assert not (tmp_path / "job" / "mesh.npz").exists()


def test_a_mask_at_the_edge_and_an_unset_pixel_size_are_told(tmp_path):
    write_map(tmp_path / "edge.mrc", blurred(ball(32, 8, (10, 0, 0))), 1.0)
    folder, _ = run_job(tmp_path, consensus=tmp_path / "edge.mrc", mask_lowpass=3.0)
    log = (folder / "log.txt").read_text()
    assert "touches the box's edge" in log and "see --pixel-size" in log
