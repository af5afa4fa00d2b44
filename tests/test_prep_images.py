"""What prep makes of images that are not as they should be: copies, grey scales, hot pixels, another CTF."""

from __future__ import annotations

from dataclasses import replace

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.trainer import split_halves
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reconstruct.reconstruct_halves import halves_of
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.particles import ImageStack, read_particles, write_star
from chimerax.flexrec.particles.copies import IMAGE, copies, image_numbers
from chimerax.flexrec.particles.ctf import ctf_rfft
from chimerax.flexrec.particles.halves import sides, together
from chimerax.flexrec.particles.hot_pixels import find_hot_pixels, survey
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.particles.resample import resample_map
from scipy.spatial.transform import Rotation
from test_prep import BOX, PIXEL, density, prep, save_map, save_stack, simulate

pytestmark = pytest.mark.blank_pictures()

ALL = np.arange(300)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Particles, their images, consensus and the check of a plain prep."""
    folder = tmp_path_factory.mktemp("plain")
    p = simulate(folder)
    consensus = save_map(folder / "consensus.mrc", density())
    _, record = prep(folder, consensus=consensus)
    assert record["warnings"] == []
    return p, ImageStack(p).read(ALL), consensus, np.array(record["backprojection"]["fsc_consensus"])


def changed(tmp_path, plain, images, **values):
    """prep of other images in place of the plain ones; ``values`` go into the particles, options into prep."""
    p, options = plain[0], values.pop("options", {})
    p = replace(p, stacks=((tmp_path / "images0.mrcs").resolve(),), **values)
    save_stack(p.stacks[0], images)
    write_star(tmp_path / "particles.star", p)
    return prep(tmp_path, **{"consensus": plain[2]} | options)


# ---------------------------------------------------------------------------- copies


def test_pure_noise_twice_agrees_nowhere(tmp_path, plain):
    p = plain[0].take(np.repeat(ALL[:150], 2))
    p = replace(p, stacks=((tmp_path / "images0.mrcs").resolve(),), half=np.zeros(300, np.int8))
    save_stack(p.stacks[0], np.random.default_rng(1).normal(size=(150, BOX, BOX)))
    write_star(tmp_path / "particles.star", p)
    job, record = prep(tmp_path)
    assert np.abs(record["backprojection"]["fsc_halves"][5:]).max() < 0.2
    assert any("150 of 300 particles are copies" in note for note in record["warnings"])
    prepared = load_prepared(job)
    assert (prepared.particles.columns[IMAGE] == np.repeat(np.arange(0, 300, 2), 2)).all()
    chosen = np.sort(np.random.default_rng(2).choice(300, 200, replace=False))
    for first, second in (
        split_halves(prepared.particles, 0),
        split_halves(prepared.particles.take(chosen), 1),
        halves_of(RECONSTRUCT.build({"particles": job}), prepared, JobRun(tmp_path)),
    ):
        image = prepared.particles.columns[IMAGE]
        image = image[chosen] if len(first) + len(second) == 200 else image
        assert not set(image[first]) & set(image[second]) and abs(len(first) - len(second)) < 40
    assert "150 particles are copies" in (tmp_path / "log.txt").read_text()


def test_halves_of_the_file_that_part_copies_are_mended(tmp_path, plain):
    """Symmetry expansion: the same images with other poses, in halves that alternate by row."""
    p, images, *_ = plain
    turn = Rotation.from_euler("z", 180, degrees=True).as_matrix()
    twice = replace(p.take(np.repeat(ALL, 2)), half=np.tile([1, 2], 300).astype(np.int8))
    rotation = twice.rotation.copy()
    rotation[1::2] = rotation[1::2] @ turn
    twice = replace(twice, rotation=rotation, stacks=((tmp_path / "images0.mrcs").resolve(),))
    save_stack(twice.stacks[0], images)
    write_star(tmp_path / "particles.star", twice)
    job, record = prep(tmp_path)
    assert not load_prepared(job).particles.half.any()  # each image's first copy is in half 1, so 2 would be empty
    assert any("divided anew" in note for note in record["warnings"])
    assert not any("too few" in note for note in record["warnings"])
    assert any("300 of the copies are in the other half" in note for note in record["warnings"])
    assert "300 of them with another orientation" in (job / "log.txt").read_text()


def test_copies_are_known_by_stack_place_uid_and_pixels(tmp_path, plain):
    p = replace(plain[0].take(ALL[:6]), columns={})
    assert not copies(image_numbers(p)).any()
    assert image_numbers(replace(p, index=np.array([0, 1, 2, 0, 1, 5]))).tolist() == [0, 1, 2, 0, 1, 5]
    (tmp_path / "a.mrcs").touch()
    (tmp_path / "b.mrcs").symlink_to(tmp_path / "a.mrcs")
    linked = replace(p, stacks=(tmp_path / "a.mrcs", tmp_path / "b.mrcs"), stack=np.array([0, 0, 0, 1, 1, 1]),
                     index=np.array([0, 1, 2, 0, 1, 5]))  # fmt: skip
    assert image_numbers(linked).tolist() == [0, 1, 2, 0, 1, 5]
    assert image_numbers(p, np.array([7, 8, 7, 9, 10, 9], np.uint64)).tolist() == [0, 1, 0, 3, 4, 3]
    places = {"rlnMicrographName": np.array(["m", "m", "n", "m", "n", "n"], object),
              "rlnCoordinateX": np.array([1, 2, 1, 1, 3, 4.0]), "rlnCoordinateY": np.ones(6)}  # fmt: skip
    assert image_numbers(replace(p, columns=places)).tolist() == [0, 1, 2, 0, 4, 5]
    chained = places | {"uid": np.array([3, 4, 5, 6, 7, 6], np.uint64)}
    assert image_numbers(replace(p, columns=chained)).tolist() == [0, 1, 2, 0, 4, 0]
    many = plain[0]
    filler = {"rlnMicrographName": np.full(300, "m", object), "rlnCoordinateX": np.zeros(300),
              "rlnCoordinateY": np.zeros(300)}  # fmt: skip
    assert not copies(image_numbers(replace(many, columns=filler))).any()


def test_halves_keep_what_is_given_and_draw_the_rest_by_image():
    half, image = np.array([1, 0, 2, 2, 0, 0, 0], np.int8), np.array([0, 0, 0, 3, 4, 4, 6])
    assert together(half, image).tolist() == [1, 1, 1, 2, 0, 0, 0]
    for seed in range(5):
        side = sides(half, image, np.random.default_rng(seed))
        assert side[:4].tolist() == [1, 1, 1, 2] and side[4] == side[5] and set(side) == {1, 2}


# ---------------------------------------------------------------------------- grey scale and damage


def test_grey_scales_of_images_do_not_matter(tmp_path, plain):
    rng = np.random.default_rng(0)
    scale = np.exp(rng.uniform(np.log(0.33), np.log(3), 300))
    scale[::4] *= 20
    job, record = changed(tmp_path, plain, plain[1] * scale[:, None, None])
    np.testing.assert_allclose(record["backprojection"]["fsc_consensus"], plain[3], atol=0.005)
    assert len(record["warnings"]) == 1 and "brought to the same noise" in record["warnings"][0]
    made = ImageStack(load_prepared(job).particles).read(ALL)
    assert made[:, 0].std(axis=1) == pytest.approx(np.ones(300), abs=0.6)


def test_every_optics_group_has_its_own_filter_and_gain(tmp_path, plain):
    """Group two has twenty times the grey scale, and besides it three times the noise, of another colour."""
    p, images, consensus, _ = plain
    rng, group = np.random.default_rng(3), (np.arange(300) % 3 == 0).astype(np.int32)
    noise = np.fft.irfft2(np.fft.rfft2(rng.normal(0, 3 * images.std(), (100, BOX, BOX)))
                          * np.linspace(0.5, 1.5, BOX // 2 + 1), (BOX, BOX))  # fmt: skip
    images = images.copy()
    images[group == 1] = 20 * (images[group == 1] + noise)
    o = p.optics
    optics = type(o)(*(np.repeat(getattr(o, name), 2) for name in (
        "voltage", "spherical_aberration", "amplitude_contrast", "pixel_size", "box")), ("one", "two"))  # fmt: skip
    job, record = changed(tmp_path, plain, images, optics=optics, group=group)
    prepared = load_prepared(job)
    assert prepared.filter.shape == (2, BOX // 2 + 1)
    slope = prepared.filter[:, 16] / prepared.filter[:, 4]
    assert slope[0] > 1.2 > 0.9 > slope[1]
    one, two = record["backprojection"]["gain"]
    assert one / two == pytest.approx(3, rel=0.35)
    assert any("differs between optics groups" in note for note in record["warnings"])
    made = ImageStack(prepared.particles).read(ALL)
    assert made[:, :3].std(axis=(1, 2))[group == 1].mean() == pytest.approx(1, abs=0.1)
    batch = ParticleImages(prepared.particles, prepared.filter).batch(np.array([0, 1]), 20)
    expected = ctf_rfft(prepared.particles, 20, PIXEL * 2, np.array([0, 1]))
    ratio = batch.transfer.numpy()[:, 4, 0] / expected[:, 4, 0]
    assert ratio == pytest.approx([prepared.filter[1, 4], prepared.filter[0, 4]], rel=1e-5)


def test_one_filter_of_an_older_prep_serves_all_groups(tmp_path, plain):
    job, _ = changed(tmp_path, plain, plain[1])
    with np.load(job / "noise.npz") as noise:
        arrays = dict(noise)
    arrays["filter"] = arrays["filter"][0]
    np.savez(job / "noise.npz", **arrays)
    assert (load_prepared(job).filter == arrays["filter"]).all()


def test_hot_pixels_are_mended_and_images_without_anything_left_out(tmp_path, plain):
    images = plain[1].copy()
    images[17, 10, 12] = 1e6
    images[30, 5:8, 5:8] = -1e4
    images[40] = 3.0
    images[41] = 0.0
    job, record = changed(tmp_path, plain, images)
    np.testing.assert_allclose(record["backprojection"]["fsc_consensus"], plain[3], atol=0.01)
    assert (record["left_out"], record["mended"]) == (2, 2)
    assert any("2 of 300 images are empty" in n and "image 41 of images0.mrcs" in n for n in record["warnings"])
    assert any("(10 in all" in n and "image 18 of images0.mrcs" in n for n in record["warnings"])
    prepared = load_prepared(job)
    assert prepared.particles.columns["flexrecSourceRow"].tolist() == [i for i in range(300) if i not in (40, 41)]
    assert np.abs(ImageStack(prepared.particles).read(np.arange(298))).max() < 12


def test_ordinary_images_have_no_hot_pixels():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(60, 64, 64)).astype(np.float32)
    along = np.hypot(*np.mgrid[-32:32, -32:32])
    for images in (noise, noise * 0.01 + 5 * np.exp(-(along**2) / 50), noise + 8 * (along < 10), 0 * noise + along):
        found = survey(images.astype(np.float32), 27)
        assert len(find_hot_pixels(found, np.zeros(60, int)).rows) == 0
    noise[np.arange(60), 3, 3] = 1e5  # in every image
    assert len(find_hot_pixels(survey(noise, 27), np.zeros(60, int)).rows) == 60


# ---------------------------------------------------------------------------- CTF


def by(images, factor):
    return np.fft.irfft2(np.fft.rfft2(images) * factor, images.shape[1:])


@pytest.fixture(scope="module")
def antibody(tmp_path_factory):
    """As ``plain``, with detail to where the CTF has changed its sign several times."""
    folder = tmp_path_factory.mktemp("antibody")
    values = {"particles": 600, "box": 48, "pixel_size": 6.0, "snr": 0.3, "threads": 2}
    SIMULATE.function()(SIMULATE.build(values), JobRun(folder))
    p = replace(read_particles(folder / "particles.star"), columns={})
    _, record = prep(folder, consensus=folder / "consensus.mrc")
    assert record["warnings"] == []
    check = np.array(record["backprojection"]["fsc_consensus"])
    return p, ImageStack(p).read(np.arange(600)), folder / "consensus.mrc", check


@pytest.mark.parametrize("consensus", [True, False])
@pytest.mark.parametrize("power, says", [(0, "look phase-flipped"), (1, "look multiplied by their CTF")])
def test_the_state_of_the_images_is_said_and_told_is_right(tmp_path, antibody, consensus, power, says):
    ctf = ctf_rfft(antibody[0], 48, 6.0)
    images = by(antibody[1], np.sign(ctf) * np.abs(ctf) ** power)
    given = {} if consensus else {"consensus": None}
    _, record = changed(tmp_path, antibody, images, options=given)
    assert says in record["warnings"][-1]
    state = ("phase-flipped", "multiplied")[power]
    job, record = changed(tmp_path, antibody, images, options={"ctf_state": state, "job": "told"} | given)
    assert not any("CTF" in note for note in record["warnings"])
    if consensus:
        np.testing.assert_allclose(record["backprojection"]["fsc_consensus"], antibody[3], atol=0.02)
    assert load_prepared(job).particles.optics.ctf_state.tolist() == [1]


@pytest.mark.parametrize("factor, says", [(0.1, "by 10:"), (1e-4, "by 10,000"), (10, "divide it"), (-1, "wrong sign")])
def test_a_defocus_in_another_unit_or_sign_is_said(tmp_path, antibody, factor, says):
    defocus = antibody[0].defocus * [factor, factor, 1]
    _, record = changed(tmp_path, antibody, antibody[1], defocus=defocus)
    assert says.rstrip(":") in record["warnings"][-1]


def test_without_a_consensus_recorded_images_are_not_doubted(tmp_path, antibody):
    assert changed(tmp_path, antibody, antibody[1], options={"consensus": None})[1]["warnings"] == []


# ---------------------------------------------------------------------------- pixel size, few particles


@pytest.mark.parametrize("factor", [0.98, 1.0, 1.015])
def test_a_consensus_of_another_box_and_a_wrong_pixel_size_is_said(tmp_path, antibody, factor):
    framed = resample_map(mrcfile.read(antibody[2]), 6.0, 64, 5.0)
    path = save_map(tmp_path / "m.mrc", framed, 5.0 * factor)
    _, record = changed(tmp_path, antibody, antibody[1], options={"consensus": path})
    said = ["pixel size looks wrong" in note and "--pixel-size" in note for note in record["warnings"]]
    assert said == [True] * (factor != 1)
    _, record = changed(tmp_path, antibody, antibody[1], options={"consensus": path, "pixel_size": 5.0, "job": "told"})
    assert record["warnings"] == []


def test_one_particle_is_prepared_and_said_to_be_few(tmp_path, plain):
    for count in (1, 2):
        _, record = prep(plain[2].parent, job=tmp_path / f"{count}", subset=count, consensus=plain[2])
        assert record["count"] == count and "too few particles" in record["warnings"][-1]
