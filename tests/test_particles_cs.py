"""cryoSPARC files, against RELION's reading of the same particles and cryoDRGN's of the same poses."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import ImageStack, InputWarning, read_particles, write_star
from chimerax.flexrec.particles.rotations import vector_to_matrix
from chimerax.flexrec.particles.subset import save_rows

FIELDS = [
    ("uid", "u8"), ("blob/path", "S30"), ("blob/idx", "u4"), ("blob/shape", "u4", (2,)), ("blob/psize_A", "f4"),
    ("blob/sign", "f4"), ("ctf/accel_kv", "f4"), ("ctf/cs_mm", "f4"), ("ctf/amp_contrast", "f4"), ("ctf/df1_A", "f4"),
    ("ctf/df2_A", "f4"), ("ctf/df_angle_rad", "f4"), ("ctf/phase_shift_rad", "f4"), ("alignments3D/split", "u4"),
    ("alignments3D/shift", "f4", (2,)), ("alignments3D/pose", "f4", (3,)), ("alignments3D/psize_A", "f4"),
]  # fmt: skip


def dataset(count=4):
    data = np.zeros(count, FIELDS)
    data["uid"] = np.arange(count, dtype=np.uint64) + np.uint64(1 << 63)
    data["blob/path"], data["blob/idx"], data["blob/shape"] = b">J1/a.mrcs", np.arange(count)[::-1], 64
    data["blob/psize_A"], data["blob/sign"], data["alignments3D/psize_A"] = 1.5, -1, 3.0
    data["ctf/accel_kv"], data["ctf/cs_mm"], data["ctf/amp_contrast"] = 300, 2.7, 0.1
    data["ctf/df1_A"], data["ctf/df2_A"], data["ctf/df_angle_rad"] = 15000, 14000, np.pi / 6
    data["ctf/phase_shift_rad"], data["alignments3D/split"] = np.pi / 2, np.arange(count) % 2
    data["alignments3D/shift"] = [2, -1]
    data["alignments3D/pose"] = np.random.default_rng(0).normal(size=(count, 3))
    return data


def save(folder, data):
    path = folder / "p.cs"
    with open(path, "wb") as file:
        np.save(file, data)
    return path


def test_fields_become_relions_conventions(tmp_path):
    (tmp_path / "J1").mkdir()
    (tmp_path / "J1" / "a.mrcs").write_bytes(b"")
    (tmp_path / "J2").mkdir()
    p = read_particles(save(tmp_path / "J2", dataset()))
    assert p.stacks == (tmp_path / "J1" / "a.mrcs",) and p.index.tolist() == [3, 2, 1, 0]
    np.testing.assert_allclose(p.shift, [[6, -3]] * 4)  # pixels of the aligned images, not of the stack's
    np.testing.assert_allclose(p.defocus, [[15000, 14000, 30]] * 4, rtol=1e-6)
    np.testing.assert_allclose(p.phase_shift, 90, rtol=1e-6)
    assert p.half.tolist() == [1, 2, 1, 2] and p.contrast == -1
    assert p.columns["uid"].dtype == np.uint64 and int(p.columns["uid"][1]) == (1 << 63) + 1


def test_one_split_means_no_halves(tmp_path):
    data = dataset()
    data["alignments3D/split"] = 1
    assert read_particles(save(tmp_path, data)).half.tolist() == [0] * 4


def test_rotation_vector_turns_the_object(tmp_path):
    """A quarter turn about z by Rodrigues carries x to y; the view matrix is its transpose (cryoDRGN's parser)."""
    np.testing.assert_allclose(vector_to_matrix([[0, 0, np.pi / 2]])[0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    data = dataset(1)
    data["alignments3D/pose"] = [0, 0, np.pi / 2]
    np.testing.assert_allclose(read_particles(save(tmp_path, data)).rotation[0] @ [1, 0, 0], [0, -1, 0], atol=1e-6)


def test_uids_survive_a_star_file(tmp_path):
    p = read_particles(save(tmp_path, dataset()))
    write_star(tmp_path / "p.star", p)
    q = read_particles(tmp_path / "p.star")
    assert [int(uid) for uid in q.columns["uid"]] == [int(uid) for uid in p.columns["uid"]]
    np.testing.assert_allclose(q.rotation, p.rotation, atol=1e-7)


@pytest.mark.parametrize(
    "drop, says", [("blob/path", "no images"), ("alignments3D/pose", "no poses"), ("ctf/df1_A", "no CTF parameters")]
)
def test_passthrough_files_say_what_is_missing(tmp_path, drop, says):
    data = dataset()
    path = save(tmp_path, data[[name for name in data.dtype.names if name != drop]].copy())
    with pytest.raises(InputError, match=says) as error:
        read_particles(path)
    assert drop in str(error.value) and str(path) in str(error.value)


def test_mixed_signs_empty_and_pickled_files_are_refused(tmp_path):
    data = dataset()
    data["blob/sign"][0] = 1
    with pytest.raises(InputError, match="blob/sign"):
        read_particles(save(tmp_path, data))
    with pytest.raises(InputError, match="no particles"):
        read_particles(save(tmp_path, dataset(0)))
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], object), allow_pickle=True)
    (tmp_path / "o.npy").rename(tmp_path / "o.cs")
    with pytest.raises(InputError, match="not a readable"):
        read_particles(tmp_path / "o.cs")


def test_the_same_ribosomes_through_both_programs(shared_data):
    """EMPIAR-10076: seven particles as RELION 3.0 names them, and as cryoSPARC imported them."""
    star = read_particles(shared_data / "relion" / "empiar_10076_7.star", require=("ctf",))
    cs = read_particles(shared_data / "cryosparc" / "empiar_10076_7.cs", shared_data / "relion", require=("ctf",))
    assert star.stacks == cs.stacks and star.index.tolist() == cs.index.tolist()
    np.testing.assert_allclose(star.defocus, cs.defocus, rtol=1e-6)
    for name in ("voltage", "spherical_aberration", "amplitude_contrast", "pixel_size", "box"):
        np.testing.assert_allclose(getattr(star.optics, name), getattr(cs.optics, name), rtol=1e-6)
    rows = [4, 0, 5, 6]
    np.testing.assert_array_equal(ImageStack(star).read(rows), -ImageStack(cs).read(rows))


def test_a_refinement_of_cryosparc(shared_data):
    p = read_particles(shared_data / "cryosparc" / "cryosparc_P12_J24_001_particles.cs")
    assert len(p) == 2019 and np.bincount(p.half).tolist() == [0, 1010, 1009]
    np.testing.assert_allclose(p.shift[0], np.array([11.334375, -1.828125]) * 2.95, rtol=1e-6)
    with pytest.raises(InputError, match="no poses"):
        read_particles(shared_data / "cryosparc" / "cryosparc_J2_particles_exported.cs")
    with pytest.raises(InputError, match="no particles"):
        read_particles(shared_data / "cryosparc" / "4k_dataset.cs")


def test_fields_that_nobody_has_filled_in_are_not_taken_for_zero(tmp_path):
    """An image scale of 0 would leave nothing of the CTF, a pixel size of 0 nothing of the shift."""
    kind = [*FIELDS, ("alignments3D/alpha", "f4"), ("ctf/scale", "f4")]
    data = np.zeros(4, kind)
    data[[name for name, *_ in FIELDS]] = dataset()
    data["ctf/scale"], data["alignments3D/psize_A"] = [1, 2, 3, 4], [3, 3, 0, 3]
    with pytest.warns(InputWarning) as caught:
        p = read_particles(save(tmp_path, data))
    assert p.scale.tolist() == [1, 2, 3, 4] and p.shift[1:3].tolist() == [[6, -3], [3, -1.5]]
    said = " ".join(str(warning.message) for warning in caught)
    assert "alignments3D/alpha is 0 for all" in said and "psize_A is 0 for 1 particles" in said


@pytest.mark.parametrize("field", ["alignments3D_multi/pose", "alignments_class_0/pose"])
def test_poses_for_several_classes_are_refused_as_such(tmp_path, field):
    """Heterogeneous refinement, from version 4.5 on and before."""
    kind = [one for one in FIELDS if not one[0].startswith("alignments3D")] + [(field, "f4", (3, 3))]
    data = np.zeros(4, kind)
    for name, *_ in kind[:-1]:
        data[name] = dataset()[name]
    with pytest.raises(InputError, match="a pose for each of several classes"):
        read_particles(save(tmp_path, data))


def test_particles_of_several_classes_are_said(tmp_path):
    data = np.zeros(4, [*FIELDS, ("alignments3D/class", "u4")])
    data[[name for name, *_ in FIELDS]] = dataset()
    data["alignments3D/class"] = [0, 2, 0, 2]
    with pytest.warns(InputWarning, match="are of 2 classes"):
        read_particles(save(tmp_path, data))


def test_other_files_of_cryosparc_are_told_apart(tmp_path):
    """cryosparc-tools' CSDAT_FORMAT, and the list beside an exported .cs."""
    (tmp_path / "p.cs").write_bytes(b"\x95CSDAT" + bytes(100))
    with pytest.raises(InputError, match="compressed format"):
        read_particles(tmp_path / "p.cs")
    (tmp_path / "p.csg").write_text("results: {}\n")
    with pytest.raises(InputError, match="give the .cs"):
        read_particles(tmp_path / "p.csg")


@pytest.mark.parametrize("name, other", [
    ("J24_particles.cs", "J24_passthrough_particles.cs"),
    ("cryosparc_P12_J24_001_particles.cs", "P12_J24_passthrough_particles.cs"),
    ("J24_particles_selected.cs", "J24_passthrough_particles_selected.cs"),
])  # fmt: skip
def test_a_jobs_particles_are_read_with_their_passthrough(tmp_path, name, other):
    """Matched by uid, in another order and with more rows; a file of another output or job is passed over."""
    data = dataset(6)
    data["ctf/df1_A"] = 15000 + np.arange(6)
    own = ["uid", *(field for field in data.dtype.names if field.startswith("alignments3D"))]
    rest = ["uid", *(field for field in data.dtype.names if field.startswith(("blob", "ctf")))]
    save(tmp_path, data[:4][own]).rename(tmp_path / name)
    save(tmp_path, data[4:][rest]).rename(tmp_path / "J24_passthrough_particles_excluded.cs")
    save(tmp_path, data[rest]).rename(tmp_path / "J2_passthrough_particles.cs")
    with pytest.raises(InputError, match="side by side"):
        read_particles(tmp_path / name)
    save(tmp_path, data[rest][::-1]).rename(tmp_path / other)
    with pytest.warns(InputWarning, match=f"taken from {other}, by uid"):
        p = read_particles(tmp_path / name)
    assert p.defocus[:, 0].tolist() == [15000, 15001, 15002, 15003] and p.index.tolist() == [5, 4, 3, 2]
    np.testing.assert_allclose(p.rotation, read_particles(save(tmp_path, data)).rotation[:4], atol=1e-6)
    save_rows(tmp_path / name, np.array([2, 0]), tmp_path / "few.cs")
    assert read_particles(tmp_path / "few.cs").defocus[:, 0].tolist() == [15002, 15000]
