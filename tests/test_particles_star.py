"""RELION files: poses, shifts, CTF, optics groups and stacks, read and written."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import ImageStack, InputWarning, read_particles, write_star
from chimerax.flexrec.particles.columns import typed
from chimerax.flexrec.particles.ctf import ctf_rfft
from chimerax.flexrec.particles.rotations import euler_to_matrix, matrix_to_euler

OPTICS = """data_optics
loop_
_rlnOpticsGroup
_rlnOpticsGroupName
_rlnVoltage
_rlnSphericalAberration
_rlnAmplitudeContrast
_rlnImagePixelSize
_rlnImageSize
{more}
7 first 300 2.7 0.1 1.5 64 {a}
9 second 200 2.0 0.07 2.0 48 {b}
"""
PARTICLES = """
data_particles
loop_
_rlnImageName
_rlnOpticsGroup
_rlnAngleRot
_rlnAngleTilt
_rlnAnglePsi
_rlnOriginXAngst
_rlnOriginYAngst
_rlnDefocusU
_rlnDefocusV
_rlnDefocusAngle
_rlnRandomSubset
_rlnMicrographName
_rlnClassNumber
000003@some/a.mrcs 7 10 20 30 1.5 -2.5 15000 14000 12 1 "mic 1.mrc" 4
000001@b.mrcs 9 -170 90 179 0 0 21000.5 20000 -80 2 mic2.mrc 5
"""


def star(folder, more="_x", a="1", b="2", particles=PARTICLES):
    path = folder / "p.star"
    path.write_text(OPTICS.format(more=more, a=a, b=b) + particles)
    return path


def test_euler_angles_are_relions():
    """Written out from RELION's documented Rz(psi) Ry(tilt) Rz(rot), rotating axes."""

    def rz(t):
        return np.array([[np.cos(t), np.sin(t), 0], [-np.sin(t), np.cos(t), 0], [0, 0, 1]])

    def ry(t):
        return np.array([[np.cos(t), 0, -np.sin(t)], [0, 1, 0], [np.sin(t), 0, np.cos(t)]])

    rng = np.random.default_rng(0)
    angles = np.concatenate([rng.uniform([-180, 0, -180], [180, 180, 180], (50, 3)), [[30, 0, 20], [30, 180, 20]]])
    expected = [rz(np.radians(c)) @ ry(np.radians(b)) @ rz(np.radians(a)) for a, b, c in angles]
    rotation = euler_to_matrix(*angles.T)
    np.testing.assert_allclose(rotation, expected, atol=1e-12)
    np.testing.assert_allclose(euler_to_matrix(*matrix_to_euler(rotation)), rotation, atol=1e-12)


def test_relion_31(tmp_path):
    (tmp_path / "job" / "x").mkdir(parents=True)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "a.mrcs").write_bytes(b"")
    p = read_particles(star(tmp_path / "job" / "x"))
    assert p.stacks[0] == tmp_path / "some" / "a.mrcs"  # found in an ancestor, the project's folder
    assert p.stacks[1] == tmp_path / "job" / "x" / "b.mrcs"  # nowhere: kept for the message
    assert p.stack.tolist() == [0, 1] and p.index.tolist() == [2, 0] and p.half.tolist() == [1, 2]
    assert p.group.tolist() == [0, 1] and p.optics.name == ("first", "second")
    assert p.optics.pixel_size.tolist() == [1.5, 2.0] and p.optics.box.tolist() == [64, 48]
    np.testing.assert_array_equal(p.shift, [[1.5, -2.5], [0, 0]])
    np.testing.assert_array_equal(p.defocus, [[15000, 14000, 12], [21000.5, 20000, -80]])
    assert p.columns["rlnMicrographName"].tolist() == ["mic 1.mrc", "mic2.mrc"]
    assert p.columns["rlnClassNumber"].dtype == np.int64
    assert len(p.take(np.array([False, True]))) == 1


def test_relion_30_shifts_are_pixels_and_microscope_settings_are_columns(tmp_path):
    path = tmp_path / "old.star"
    tags = (
        "rlnImageName rlnAngleRot rlnAngleTilt rlnAnglePsi rlnOriginX rlnOriginY rlnDefocusU rlnDefocusV "
        "rlnDefocusAngle rlnVoltage rlnSphericalAberration rlnAmplitudeContrast rlnMagnification rlnDetectorPixelSize"
    ).split()
    rows = [f"{i + 1}@a.mrcs 0 0 0 2 -4 9000 8000 5 {kv} 2.7 0.1 40000 5" for i, kv in enumerate((300, 200, 300))]
    path.write_text("data_\n\nloop_\n" + "\n".join("_" + tag for tag in tags) + "\n" + "\n".join(rows) + "\n")
    p = read_particles(path)
    np.testing.assert_allclose(p.optics.pixel_size, 1.25)
    np.testing.assert_allclose(p.shift, [[2.5, -5.0]] * 3)
    assert p.optics.voltage[p.group].tolist() == [300, 200, 300] and not p.columns


def test_columns_are_numbers_only_where_every_value_is_one():
    def of(*words, name=""):
        return typed(np.array(words, "S"), name)

    assert of("1", "-2").dtype == np.int64 and of("18446744073709551615").dtype == np.uint64
    assert of("1", "2.5e3").tolist() == [1.0, 2500.0] and of("0.5", "-0.25").tolist() == [0.5, -0.25]
    for names in (["2018_01", "2018_02"], ["1", "x"], ["001", "1"], ["-01", "2"], ["123456789012345678901"], [""]):
        assert of(*names).tolist() == names
    assert of("1e5", "7", name="rlnTomoName").tolist() == ["1e5", "7"]


def test_stack_names_are_only_looked_for(tmp_path):
    names = ["../" * 40 + "etc/passwd", "a" * 5000, "/dev/zero", "$(touch${IFS}pwned)"]
    for name in names:
        p = read_particles(star(tmp_path, particles=PARTICLES.replace("some/a.mrcs", name)))
        with pytest.raises(InputError):
            ImageStack(p).read([0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.star"]


def test_image_root_is_looked_in_first_with_and_without_folders(tmp_path):
    for place in ("root/some/a.mrcs", "root/b.mrcs", "b.mrcs"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    path = star(tmp_path, particles=PARTICLES.replace("b.mrcs", "gone/b.mrcs"))
    assert read_particles(path, tmp_path / "root").stacks == (
        tmp_path / "root" / "some" / "a.mrcs", tmp_path / "root" / "b.mrcs",
    )  # fmt: skip


def many(folder, angles, count=12):
    """``count`` particles with rot, tilt and psi as ``angles`` makes them of their number."""
    row = "{}@a.mrcs 7 {} {} {} 1.5 -2.5 15000 14000 12 {} m.mrc 4\n"
    rows = "".join(row.format(i + 1, *angles(i), 1 + i % 2) for i in range(count))
    return star(folder, particles=PARTICLES[: PARTICLES.index("000003@")] + rows)


def test_particles_that_were_only_classified_in_2d_are_refused(tmp_path):
    """RELION's Class2D writes rot and tilt, too: 0 everywhere."""
    path = many(tmp_path, lambda i: (0, 0, 30 * i))
    with pytest.raises(InputError, match="all 12 particles are seen along one direction.*2D"):
        read_particles(path)
    assert len(read_particles(path, require=("ctf",))) == 12


def test_particles_that_were_never_aligned_are_said(tmp_path):
    with pytest.warns(InputWarning, match=r"4 of 12 particles.*rot and tilt being 0 \(the first is particle 3\)"):
        read_particles(many(tmp_path, lambda i: (0, 0, i) if i % 3 == 2 else (i, 20 + i, i)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_particles(many(tmp_path, lambda i: (i, i, i)))


def test_several_classes_and_scales_of_nothing(tmp_path):
    path = star(tmp_path)
    with pytest.warns(InputWarning, match=r"2 classes \(_rlnClassNumber\)"):
        read_particles(path)
    path.write_text(path.read_text().replace("_rlnClassNumber", "_rlnCtfScalefactor").replace("mic 1.mrc\" 4", 'm" 0'))
    path.write_text(path.read_text().replace("mic2.mrc 5", "mic2.mrc 0"))
    with pytest.raises(InputError, match="scale of every image is 0"):
        read_particles(path)


def test_one_half_alone_is_as_if_never_divided(tmp_path):
    path = star(tmp_path)
    path.write_text(path.read_text().replace("-80 2 mic2", "-80 1 mic2"))
    assert read_particles(path).half.tolist() == [0, 0]


def test_half_a_shift_is_refused(tmp_path):
    path = star(tmp_path)
    path.write_text(path.read_text().replace("_rlnOriginYAngst", "_rlnOriginY"))
    with pytest.raises(InputError, match="has _rlnOriginXAngst, but no _rlnOriginYAngst"):
        read_particles(path)


@pytest.mark.parametrize("root", [None, "flat"])
def test_two_stacks_of_one_file_name_are_not_taken_for_one(tmp_path, root):
    """Extract/job1/a.mrcs and Extract/job2/a.mrcs, copied into one folder: only one of them is there."""
    (tmp_path / "flat").mkdir()
    (tmp_path / (root or ".") / "a.mrcs").write_bytes(b"")
    path = star(tmp_path, particles=PARTICLES.replace("some/a.mrcs", "job1/a.mrcs").replace("b.mrcs", "job2/a.mrcs"))
    with pytest.raises(InputError, match=r"job1/a\.mrcs and job2/a\.mrcs"):
        read_particles(path, None if root is None else tmp_path / root)
    path.write_text(path.read_text().replace("job2/a.mrcs", "./job1/a.mrcs"))
    assert len(read_particles(path, None if root is None else tmp_path / root).stacks) == 1


@pytest.mark.parametrize("tag, says", [
    ("rlnMicrographName", "micrographs"), ("rlnReferenceImage", "maps"), ("rlnExperimentalDataStarFile", "settings"),
    ("rlnOther", "_rlnImageName; give the STAR file of extracted particles"),
])  # fmt: skip
def test_other_star_files_are_called_what_they_are(tmp_path, tag, says):
    (tmp_path / "p.star").write_text(f"data_\nloop_\n_{tag}\n_rlnDefocusU\na 1\n")
    with pytest.raises(InputError, match=says):
        read_particles(tmp_path / "p.star")


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda t: t.replace("_rlnAngleTilt", "_other"), "_rlnAngleTilt missing"),
        (lambda t: t.replace("_rlnDefocusV", "_other"), "_rlnDefocusV missing"),
        (lambda t: t.replace("_rlnVoltage", "_other"), "_rlnVoltage missing"),
        (lambda t: t.replace("_rlnImagePixelSize", "_other"), "no pixel size"),
        (lambda t: t.replace("000003@", "99999999999@"), "99999999999@some/a.mrcs"),
        (lambda t: t.replace("000003@some/a.mrcs", "3@"), "particle 1"),
        (lambda t: t.replace("000003@", "000000@"), "particle 1"),
        (lambda t: t.replace("15000", "abc"), "_rlnDefocusU"),
        (lambda t: t.replace("000001@b.mrcs 9", "000001@b.mrcs 8"), "_rlnOpticsGroup 8"),
        (lambda t: t.replace("_x", "_rlnCtfDataAreCtfCorrected"), "corrected for their CTF"),
        (lambda t: t.replace("_rlnImageName", "_other"), "_rlnImageName"),
        (lambda t: t[: t.index("000003@")], "no particles"),
        (lambda t: "nonsense " + t, "not a readable STAR file"),
        (lambda t: t.replace("mic2.mrc 5", ""), "not a readable STAR file"),
    ],
)
def test_bad_files_name_file_and_field(tmp_path, change, says):
    path = star(tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError) as error:
        read_particles(path)
    assert str(path) in str(error.value) and says in str(error.value)


def test_write_star_reads_back_the_same(tmp_path):
    p = read_particles(star(tmp_path))
    (tmp_path / "out").mkdir()
    for target in (tmp_path / "q.star", tmp_path / "out" / "q.star"):
        write_star(target, p)
        q = read_particles(target)
        assert q.stacks == p.stacks and q.optics.name == p.optics.name
        for name in ("stack", "index", "group", "half"):
            np.testing.assert_array_equal(getattr(q, name), getattr(p, name))
        for name in ("rotation", "shift", "defocus", "phase_shift"):
            np.testing.assert_allclose(getattr(q, name), getattr(p, name), atol=1e-8)
        assert {k: v.tolist() for k, v in q.columns.items()} == {k: v.tolist() for k, v in p.columns.items()}
    assert "000003@some/a.mrcs" in (tmp_path / "q.star").read_text()  # relative where the stack is below the file


@pytest.mark.parametrize("folder", ["with blanks in it", "it's quoted"])
def test_a_stack_in_a_folder_with_blanks_is_one_quoted_word(tmp_path, folder):
    from gemmi import cif

    particles = read_particles(star(tmp_path))
    elsewhere = tuple(Path(f"/data/{folder}/{stack.name}") for stack in particles.stacks)
    written = tmp_path / "written" / "particles.star"
    written.parent.mkdir()
    write_star(written, replace(particles, stacks=elsewhere))
    assert read_particles(written, require=()).stacks == elsewhere
    names = cif.read_file(str(written)).find_block("particles").find_loop("_rlnImageName")
    assert len(names) == len(particles)
    for name in names:
        assert name[0] in "\"'" and name[-1] == name[0] and re.fullmatch(r"\d{6}@/data/.+", cif.as_string(name))


def test_real_files_of_relion(shared_data):
    sizes = {"relion31.star": 5, "relion31.6opticsgroups.star": 139, "relion5.star": 17}
    for name, count in sizes.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            p = read_particles(shared_data / "relion" / name)
        assert len(p) == count
        np.testing.assert_allclose(p.rotation @ p.rotation.swapaxes(1, 2), np.broadcast_to(np.eye(3), (count, 3, 3)),
                                   atol=1e-9)  # fmt: skip
        assert np.isfinite(ctf_rfft(p, 16, 3.0)).all()
    old = read_particles(shared_data / "relion" / "FinalRefinement-OriginalParticles-PfCRT.star")
    np.testing.assert_allclose(old.optics.pixel_size, 1.035)
    np.testing.assert_allclose(old.shift[0], [-0.14063 * 1.035, -0.04688 * 1.035])
