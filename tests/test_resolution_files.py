"""What a job folder holds of a reconstruction's resolution, read as another program would."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.engine.maps.fsc import fourier_shell_correlation, shell_power
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.part_labels import labelled_mesh, part_labels
from chimerax.flexrec.jobs.reconstruct.deposition import fsc_xml
from chimerax.flexrec.jobs.reconstruct.resolution_files import write_resolution
from chimerax.flexrec.jobs.reconstruct.resolution_request import ResolutionRequest
from chimerax.flexrec.mesh.build import build_mesh
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.mesh.map_place import read_centre
from chimerax.flexrec.mesh.storage import save_mesh
from mesh_shapes import ball, voxel_grid
from scipy.spatial.transform import Rotation
from simulated_halves import BOX, PIXEL, frequencies, molecule, pair_of

CENTRE = np.array([5.0, -7.0, 11.0])


@pytest.fixture(scope="module")
def mesh():
    x, _, _ = voxel_grid(BOX)
    return build_mesh(ball(BOX, 17), PIXEL, 16, np.where(x < 0, 0, 1), ((0, 1),))


@pytest.fixture(scope="module")
def written(tmp_path_factory, mesh):
    """A folder of two parts and a noisier twin; (folder, pair, record)."""
    folder = tmp_path_factory.mktemp("resolution")
    pair, twin = pair_of(molecule(), 0.4), pair_of(molecule(), 1.0, seed=7)
    request = ResolutionRequest(mesh=mesh, labels=(4, 9), views=Rotation.random(500, random_state=1).as_matrix(),
                                centre=CENTRE, twin_name="rigid")  # fmt: skip
    return folder, pair, write_resolution(pair, request, JobRun(folder), twin)


def table(folder):
    with open(folder / "fsc.csv", encoding="utf-8") as file:
        return {name: np.array(values, float) for name, *values in zip(*csv.reader(file))}


def test_the_table_has_a_column_for_each_curve(written):
    folder, pair, record = written
    columns = table(folder)
    curves = ["fsc", "masked", "phase-randomised", "corrected", "part 4 corrected", "part 9 corrected"]
    assert [*columns][:3] == ["shell", "frequency (1/Å)", "resolution (Å)"]
    assert [*columns][3:] == [*curves, *(f"rigid {name}" for name in curves)]
    assert columns["fsc"] == pytest.approx(fourier_shell_correlation(pair.first, pair.second)[1:], abs=1e-4)
    assert columns["corrected"][20:].mean() > columns["rigid corrected"][20:].mean() + 0.1
    below = columns["corrected"] < 0.143
    last = np.argmax(below) - 1 if below.any() else -1
    assert record["masked_resolution_0.143"] == pytest.approx(columns["resolution (Å)"][last], abs=0.01)


def test_the_record_has_the_numbers_and_is_json(written):
    folder, _, record = written
    read = json.loads(json.dumps(record, allow_nan=False))
    assert set(read["part_resolution_0.143"]) == {"4", "9"}
    assert read["rigid"]["masked_resolution_0.143"] > read["masked_resolution_0.143"]
    assert read["orientation"]["scf"] > 0.9
    log = (folder / "log.txt").read_text(encoding="utf-8")
    assert f"agree to {read['masked_resolution_0.143']:.1f} Å (rigid: to " in log
    assert f"In part 4: to {read['part_resolution_0.143']['4']:.1f} Å" in log
    assert f"Sharpened by a B-factor of {read['b_factor']:.1f} Å²" in log


def test_maps_lie_where_the_half_maps_do(written):
    folder, _, record = written
    for name in ("fsc_mask.mrc", "local_resolution.mrc", "local_sharpened.mrc", "sharpened.mrc", "deposit/map.mrc"):
        volume, pixel_size = read_map(folder / name)
        assert volume.shape == (BOX,) * 3 and pixel_size == PIXEL and np.isfinite(volume).all(), name
        assert read_centre(folder / name) == pytest.approx(CENTRE, abs=1e-3)
    local, mask = (read_map(folder / f"{name}.mrc")[0] for name in ("local_resolution", "fsc_mask"))
    assert np.median(local[mask > 0.5]) == pytest.approx(record["local_resolution"]["0.5"], abs=0.01)
    assert (folder / "resolution.png").read_bytes()[:4] == b"\x89PNG"


def test_the_sharpened_map_is_the_other_one_times_the_b_factor(written):
    folder, _, record = written
    maps = [read_map(folder / "deposit" / f"{name}.mrc")[0] for name in ("map", "map_unsharpened")]
    ratio = np.sqrt(shell_power(maps[0])[3:20] / shell_power(maps[1])[3:20])
    assert ratio == pytest.approx(np.exp(-record["b_factor"] / 4 * frequencies()[3:20] ** 2), rel=0.02)
    assert np.array_equal(maps[0], read_map(folder / "sharpened.mrc")[0])


def test_the_deposited_curve_is_the_xml_that_the_data_bank_takes(written):
    folder, _, _ = written
    root = ElementTree.parse(folder / "deposit" / "fsc.xml").getroot()
    assert root.tag == "fsc" and set(root.attrib) == {"title", "xaxis", "yaxis"}
    assert root.get("xaxis") == "Resolution (A-1)" and root.get("yaxis") == "Correlation Coefficient"
    assert {child.tag for child in root} == {"coordinate"}
    points = np.array([[float(child.find(name).text) for name in "xy"] for child in root])
    columns = table(folder)
    assert points[:, 0] == pytest.approx(columns["frequency (1/Å)"], abs=1e-6)
    assert points[:, 1] == pytest.approx(columns["corrected"], abs=1e-4)
    assert (np.diff(points[:, 0]) > 0).all()
    assert ElementTree.fromstring(fsc_xml('5 < 6 & "x"', [0.1], [1.0])).get("title") == '5 < 6 & "x"'


def test_relion_finds_both_deposited_half_maps(written):
    """It puts half2 for half1 in the name that --i gives; the mask's values must lie within 1e-6 of 0 to 1."""
    folder, pair, _ = written
    deposit = folder / "deposit"
    text = (deposit / "deposit.txt").read_text(encoding="utf-8")
    call = re.search(r"relion_postprocess --i (\S+) --mask (\S+) --angpix (\S+) --auto_bfac", text)
    first = call[1]
    assert re.fullmatch(r"\w+_half1_class001_unfil\.mrc", first) and float(call[3]) == PIXEL
    for name, volume in ((first, pair.first), (first.replace("half1", "half2"), pair.second)):
        with mrcfile.open(deposit / name) as file:
            assert np.array_equal(file.data, volume) and file.header.mode == 2
    with mrcfile.open(deposit / call[2]) as file:
        assert file.data.shape == (BOX,) * 3 and -1e-6 <= file.data.min() and file.data.max() <= 1 + 1e-6
    assert all(mrcfile.validate(str(path)) for path in deposit.glob("*.mrc"))


def test_the_deposited_text_says_what_to_enter(written):
    folder, _, record = written
    text = (folder / "deposit" / "deposit.txt").read_text(encoding="utf-8")
    assert f"Resolution: {record['masked_resolution_0.143']:.2f} Å" in text and "FSC 0.143 CUT-OFF" in text
    assert f"Recommended contour level of the primary map: {record['contour_level']:g}." in text
    for path in (folder / "deposit").iterdir():
        assert path.name == "deposit.txt" or path.name in text


def test_a_given_b_factor_is_used_in_place_of_the_fitted_one(tmp_path):
    pair = pair_of(molecule(decay=80), 0.4)
    record = write_resolution(pair, ResolutionRequest(b_factor=-30.0), JobRun(tmp_path))
    assert record["b_factor"] == -30 and record["guinier"]["b_factor"] < -50
    assert "orientation" not in record
    assert "Sharpened by the given B-factor, -30.0" in (tmp_path / "log.txt").read_text()


def test_a_positive_b_factor_is_said_to_damp(tmp_path):
    write_resolution(pair_of(molecule(), 0.4), ResolutionRequest(b_factor=80.0), JobRun(tmp_path))
    assert "Damped by the given B-factor, and not sharpened" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "damped by a B-factor of 80.0 Å²" in (tmp_path / "deposit" / "deposit.txt").read_text(encoding="utf-8")


def test_a_coarse_map_is_not_sharpened_and_the_job_says_why(tmp_path):
    """Also where the half-maps agree nowhere at all."""
    for name, pair in (("coarse", pair_of(molecule(pixel_size=8.0), 0.4, pixel_size=8.0)),
                       ("noise", pair_of(np.zeros((BOX,) * 3, np.float32), 1.0))):  # fmt: skip
        folder = tmp_path / name
        folder.mkdir()
        record = write_resolution(pair, ResolutionRequest(), JobRun(folder))
        assert record["b_factor"] is None and record["guinier"]["refused"].startswith("No B-factor was fitted")
        assert not (folder / "sharpened.mrc").exists() and not (folder / "deposit" / "map_unsharpened.mrc").exists()
        log, text = (folder / "log.txt").read_text(), (folder / "deposit" / "deposit.txt").read_text()
        assert "There is no sharpened.mrc; give --b-factor" in log and "not sharpened" in text
        assert (record["masked_resolution_0.143"] is None) == (name == "noise")
        assert ("Resolution: none" in text) == (name == "noise")
        json.dumps(record, allow_nan=False)


def test_the_coarsest_local_resolution_is_not_taken_for_a_measured_one(tmp_path, written):
    """Half-maps of noise agree nowhere: what stands in their map of local resolution is the end of what is told."""
    record = write_resolution(pair_of(np.zeros((32,) * 3, np.float32), 1.0), ResolutionRequest(), JobRun(tmp_path))
    coarsest = record["coarsest_local_resolution"]
    assert coarsest == pytest.approx(32 * PIXEL / 4) and record["local_resolution"]["0.9"] == pytest.approx(coarsest)
    told = f"{coarsest:.1f} Å is the coarsest that a box of this size tells, and stands where nothing agrees."
    assert told in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "the coarsest that" not in (written[0] / "log.txt").read_text(encoding="utf-8")


def test_nothing_is_written_of_half_maps_that_cannot_be_compared(tmp_path):
    from chimerax.flexrec.errors import InputError

    write_map(tmp_path / "mask.mrc", np.zeros((BOX,) * 3), PIXEL)
    (tmp_path / "job").mkdir()
    with pytest.raises(InputError, match="mask is empty"):
        write_resolution(pair_of(molecule(), 0.4), ResolutionRequest(tmp_path / "mask.mrc"), JobRun(tmp_path / "job"))
    assert not [*(tmp_path / "job").glob("**/*.mrc")] and not (tmp_path / "job" / "fsc.csv").exists()


def test_parts_have_the_names_that_their_mesh_job_gave(tmp_path, mesh):
    assert part_labels(tmp_path / "mesh.npz", mesh.parts) == (1, 2)
    for text, labels in (('{"parts": [{"label": 12}, {"label": 3}]}', (12, 3)), ('{"parts": [{"label": 12}]}', (1, 2)),
                         ("{", (1, 2)), ('{"parts": 3}', (1, 2))):  # fmt: skip
        (tmp_path / "quality.json").write_text(text)
        assert part_labels(tmp_path / "mesh.npz", mesh.parts) == labels
        save_mesh(tmp_path / "mesh.npz", mesh)
        assert labelled_mesh(tmp_path / "mesh.npz").part_names == labels
    save_mesh(tmp_path / "mesh.npz", replace(mesh, labels=(7, 8)))
    assert labelled_mesh(tmp_path / "mesh.npz").part_names == (7, 8)


def test_the_local_resolution_of_the_twin_lies_beside_that_of_the_map(written):
    """In the same mask and place; the record has its quantiles, and the log by how much the map is finer."""
    folder, _, record = written
    names = ("local_resolution", "rigid_local_resolution", "fsc_mask")
    own, twin, weight = (read_map(folder / f"{name}.mrc")[0] for name in names)
    mask = weight > 0.5
    assert np.median(twin[mask]) == pytest.approx(record["rigid"]["local_resolution"]["0.5"], abs=0.01)
    gain = float(np.median((twin - own)[mask]))
    assert gain > 0.3
    assert f"finer by {gain:.1f} Å at the median of the mask" in (folder / "log.txt").read_text(encoding="utf-8")
    assert read_centre(folder / "rigid_local_resolution.mrc") == pytest.approx(CENTRE, abs=1e-3)
