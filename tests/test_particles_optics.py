"""Where each value of a CTF comes from in RELION's files, and which values are refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles import InputWarning, read_particles
from chimerax.flexrec.particles.aberrations import odd_phase
from chimerax.flexrec.particles.ctf import wavelength
from chimerax.flexrec.particles.particles import MULTIPLIED, PHASE_FLIPPED, RECORDED
from test_particles_star import PARTICLES, star


def test_aberrations_are_read(tmp_path):
    tags = "_rlnMagMat00\n_rlnMagMat01\n_rlnMagMat10\n_rlnMagMat11\n_rlnBeamTiltX\n_rlnBeamTiltY\n_rlnEvenZernike"
    path = star(tmp_path, tags, "1.02 0.01 0.03 0.99 0.1 -0.2 [1,2,3]", "1 0 0 1 0 0 [0,0,0,7]")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optics = read_particles(path, require=("ctf",)).optics
    np.testing.assert_array_equal(optics.magnification[0], [[1.02, 0.01], [0.03, 0.99]])
    np.testing.assert_array_equal(optics.magnification[1], np.eye(2))
    np.testing.assert_array_equal(optics.even, [[1, 2, 3, 0], [0, 0, 0, 7]])
    assert not optics.odd[1].any()
    kx, ky = np.array([0.1]), np.array([0.05])
    mx, my = optics.magnification[0] @ [0.1, 0.05]
    tilt = -2 * np.pi * 2.7e7 * wavelength(300) ** 2 * (1e-4 * mx - 2e-4 * my) * (mx**2 + my**2)
    assert odd_phase(optics, 0, kx, ky)[0] == pytest.approx(tilt)


def test_what_is_not_modelled_is_said(tmp_path):
    with pytest.warns(InputWarning, match="MTF"):
        read_particles(star(tmp_path, "_rlnMtfFileName", "mtf_k3.star", "None"))


MICROSCOPE = ("_rlnVoltage", "_rlnSphericalAberration", "_rlnAmplitudeContrast", "_rlnPhaseShift", "_rlnCtfBfactor",
              "_rlnCtfScalefactor")  # fmt: skip


def two_tables(tmp_path, of_particles: dict, of_optics: dict, tags="_rlnOpticsGroup"):
    """Two particles of one optics group, with values in either table."""
    optics = {"_rlnOpticsGroup": "1", "_rlnImagePixelSize": "1.5", "_rlnImageSize": "64"} | of_optics
    particles = {"_rlnImageName": None, "_rlnDefocusU": "1e4", "_rlnDefocusV": "9e3", "_rlnDefocusAngle": "10"}
    particles |= {tags: "1"} | of_particles
    lines = ["data_optics", "loop_", *optics, " ".join(optics.values()), "", "data_particles", "loop_", *particles]
    for row in range(2):
        lines.append(" ".join(f"{row + 1}@a.mrcs" if word is None else word.split("|")[row % len(word.split("|"))]
                              for word in particles.values()))  # fmt: skip
    path = tmp_path / "two.star"
    path.write_text("\n".join(lines) + "\n")
    return read_particles(path, require=("ctf",))


def settings(p):
    return [p.optics.voltage[p.group[0]], p.optics.spherical_aberration[p.group[0]],
            p.optics.amplitude_contrast[p.group[0]], p.phase_shift[0], p.b_factor[0], p.scale[0]]  # fmt: skip


@pytest.mark.parametrize("tag, place", [*zip(MICROSCOPE, range(6))])
def test_a_value_is_the_particles_first_and_else_the_optics(tmp_path, tag, place):
    first, other = {tag: "0.2"}, {tag: "0.7"}
    if tag == "_rlnVoltage":
        first, other = {tag: "200"}, {tag: "120"}
    base = {"_rlnVoltage": "300", "_rlnSphericalAberration": "2.7", "_rlnAmplitudeContrast": "0.1"}
    expected = float(first[tag])
    assert settings(two_tables(tmp_path, first, base | other))[place] == expected
    assert settings(two_tables(tmp_path, {}, base | first))[place] == expected
    without = {name: text for name, text in base.items() if name != tag}
    assert settings(two_tables(tmp_path, first, without))[place] == expected


def test_particles_of_one_group_that_differ_are_parted(tmp_path):
    base = {"_rlnSphericalAberration": "2.7", "_rlnOpticsGroupName": "krios"}
    p = two_tables(tmp_path, {"_rlnVoltage": "300|200"}, base)
    assert p.optics.voltage[p.group].tolist() == [300, 200] and len(set(p.optics.name)) == 2
    assert p.optics.spherical_aberration.tolist() == [2.7, 2.7] and p.optics.amplitude_contrast.tolist() == [0, 0]


def test_groups_of_one_name_are_told_apart(tmp_path):
    path = star(tmp_path)
    path.write_text(path.read_text().replace("second", "first"))
    assert read_particles(path).optics.name == ("first_1", "first_2")


def test_defocus_only_in_the_optics_table(tmp_path):
    base = {"_rlnVoltage": "300", "_rlnSphericalAberration": "2.7", "_rlnPhaseShift": "90"}
    path = tmp_path / "two.star"
    two_tables(tmp_path, {}, base)
    text = path.read_text().replace("_rlnDefocusAngle\n", "", 1).replace(" 10 1\n", " 1\n")
    path.write_text(text.replace("_rlnPhaseShift", "_rlnPhaseShift\n_rlnDefocusAngle").replace(" 90\n", " 90 33\n", 1))
    p = read_particles(path, require=("ctf",))
    assert p.defocus.tolist() == [[1e4, 9e3, 33]] * 2 and p.phase_shift.tolist() == [90, 90]


def test_several_groups_and_no_column_that_says_which(tmp_path):
    with pytest.raises(InputError, match="_rlnOpticsGroup"):
        read_particles(star(tmp_path, particles=PARTICLES.replace("_rlnOpticsGroup", "_other")))


@pytest.mark.parametrize(
    "tag, word, says",
    [
        ("_rlnVoltage", "300000", "300000 kV"),
        ("_rlnVoltage", "nan", "nan kV"),
        ("_rlnSphericalAberration", "nan", "Aberration"),
        ("_rlnAmplitudeContrast", "10", "per cent"),
        ("_rlnAmplitudeContrast", "nan", "AmplitudeContrast"),
        ("_rlnImagePixelSize", "0", "PixelSize"),
        ("_rlnImageSize", "-3", "ImageSize"),
        ("_rlnImageDimensionality", "3", "subtomograms"),
        ("_rlnOddZernike", "[1,x]", "OddZernike"),
        ("_rlnMagMat00", "7", "MagMat"),
        ("_rlnCtfDataAreCtfCorrected", "1", "corrected"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path, tag, word, says):
    base = {"_rlnVoltage": "300", "_rlnSphericalAberration": "2.7", "_rlnAmplitudeContrast": "0.1"}
    with pytest.raises(InputError) as error:
        two_tables(tmp_path, {}, base | {tag: word})
    assert says in str(error.value) and "two.star" in str(error.value) and "\n" not in str(error.value)


def test_values_of_groups_without_particles_do_not_matter(tmp_path):
    p = read_particles(star(tmp_path, b="2\n5 unused nan nan 10 0 0 3"))
    assert p.optics.name == ("first", "second") and p.group.tolist() == [0, 1]


def test_both_kinds_of_pixel_size_and_shift_as_relions_converter(tmp_path):
    tags = ["_rlnImageName", *"_rlnAngleRot _rlnAngleTilt _rlnAnglePsi".split(), "_rlnOriginX", "_rlnOriginY",
            "_rlnOriginXAngst", "_rlnOriginYAngst", "_rlnPixelSize", "_rlnDetectorPixelSize",
            "_rlnMagnification"]  # fmt: skip
    path = tmp_path / "old.star"
    path.write_text("data_\nloop_\n" + "\n".join(tags) + "\n1@a.mrcs 0 0 0 1 2 9 9 3.0 5.0 25000\n")
    with pytest.warns(InputWarning) as caught:
        p = read_particles(path, require=("pose",))
    assert p.optics.pixel_size.tolist() == [2.0] and p.shift.tolist() == [[2.0, 4.0]]
    assert {"3 Å" in str(w.message) or "OriginX" in str(w.message) for w in caught} == {True} and len(caught) == 2


def test_states_of_the_images(tmp_path):
    base = {"_rlnVoltage": "300", "_rlnSphericalAberration": "2.7"}
    states = [
        two_tables(tmp_path, *tables).optics.ctf_state.tolist()
        for tables in (({}, base), ({}, base | {"_rlnCtfDataArePhaseFlipped": "1"}),
                       ({"_rlnCtfDataAreCtfPremultiplied": "1"}, base))
    ]  # fmt: skip
    assert states == [[RECORDED], [PHASE_FLIPPED], [MULTIPLIED]]


BASE = {"_rlnVoltage": "300", "_rlnSphericalAberration": "2.7", "_rlnAmplitudeContrast": "0.1"}


@pytest.mark.parametrize(
    "tag, own, groups, read",
    [
        ("_rlnImagePixelSize", "1.0", "1.5", lambda optics: optics.pixel_size[0]),
        ("_rlnImageSize", "32", "64", lambda optics: optics.box[0]),
        ("_rlnCtfDataAreCtfPremultiplied", "0", "1", lambda optics: optics.ctf_state[0] == MULTIPLIED),
        ("_rlnMagMat01", "0.1", "0.02", lambda optics: optics.magnification[0, 0, 1]),
        ("_rlnBeamTiltX", "2", "0", lambda optics: float(optics.odd.any())),
    ],
)
def test_what_relion_looks_for_in_the_optics_table_is_taken_from_there(tmp_path, tag, own, groups, read):
    """RELION's ObservationModel takes these from the optics table alone; older columns may still be with particles."""
    with pytest.warns(InputWarning, match=f"{tag} of 2 particles.*data_optics is taken"):
        p = two_tables(tmp_path, {tag: own}, BASE | {tag: groups})
    assert read(p.optics) == float(groups)


def test_a_contradiction_about_the_microscope_is_said(tmp_path):
    with pytest.warns(
        InputWarning, match=r"_rlnVoltage of 1 particles.*\(200 and 300 for particle 2\).*data_particles"
    ):
        p = two_tables(tmp_path, {"_rlnVoltage": "300|200"}, BASE)
    assert p.optics.voltage[p.group].tolist() == [300, 200]


def test_no_amplitude_contrast_is_said(tmp_path):
    base = {name: word for name, word in BASE.items() if name != "_rlnAmplitudeContrast"}
    with pytest.warns(InputWarning, match="no amplitude contrast"):
        assert two_tables(tmp_path, {}, base).optics.amplitude_contrast.tolist() == [0]


GENERAL = "\ndata_general\n\n_rlnTomoSubTomosAre2DStacks {flag}\n"


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda t: t + GENERAL.format(flag=1), "_rlnTomoSubTomosAre2DStacks"),
        (lambda t: t.replace("_rlnMicrographName", "_rlnTomoVisibleFrames"), "_rlnTomoVisibleFrames"),
        (lambda t: t.replace("_x", "_rlnImageDimensionality").replace("64 1", "64 3"), "Dimensionality 3"),
        (lambda t: t.replace("_rlnDefocusU", "_a").replace("_rlnMicrographName", "_rlnCtfImage"), "_rlnCtfImage"),
    ],
)
def test_subtomograms_are_refused_for_what_they_are(tmp_path, change, says):
    """RELION 5 names a stack of tilts for each particle, without a number: its first tilt would be taken for it."""
    path = star(tmp_path, b="3" if "Dim" in says else "2")
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=f"subtomograms of tilt series .*{says}"):
        read_particles(path)
    path.write_text(star(tmp_path).read_text() + GENERAL.format(flag=0))
    assert len(read_particles(path)) == 2


@pytest.mark.parametrize("defocus, says", [
    ("0|12000", "1 of 2 particles have a defocus of 0 .the first is particle 1"), ("0", "2 of 2 particles"),
    ("1.5", "may be in µm"), ("-12000", "overfocus"),
])  # fmt: skip
def test_defoci_that_nobody_sets_are_said(tmp_path, defocus, says):
    with pytest.warns(InputWarning, match=says):
        two_tables(tmp_path, {"_rlnDefocusU": defocus, "_rlnDefocusV": defocus}, BASE)
