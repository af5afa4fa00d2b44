"""What jobs refuse before they compute, as it means nothing or cannot be; and what a clone takes over."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.diagnose import diagnose_run
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep import prep_run, prep_symmetry
from chimerax.flexrec.jobs.prep.prep_doubts import doubt_radius
from chimerax.flexrec.jobs.prep.prep_notes import Notes
from chimerax.flexrec.jobs.prep.prep_read import read_consensus, read_input
from chimerax.flexrec.jobs.project import new_job_folder
from chimerax.flexrec.jobs.queue.background import cloned_values
from chimerax.flexrec.jobs.reconstruct import reconstruct_run
from chimerax.flexrec.jobs.registry import find_job
from chimerax.flexrec.jobs.simulate.simulate_design import check_shares
from chimerax.flexrec.jobs.train import train_run
from chimerax.flexrec.jobs.train.train_parts import check_parts
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.mesh.mask import refuse_mask, soften
from chimerax.flexrec.particles.symmetry import operators
from mesh_shapes import ball, blurred


@pytest.mark.parametrize("asked", [{"refine_poses": True}, {"independent": True}, {"box": 64}])
@pytest.mark.parametrize(("state", "kind"), [({}, "without a model"), ({"at": (0.0,), "model": "."}, "of a state")])
def test_a_map_without_motion_refuses_what_only_motion_uses(tmp_path, asked, state, kind):
    parameters = find_job("reconstruct").build({**state, **asked})
    with pytest.raises(InputError, match=rf"^{next(iter(asked))}: means nothing .*{kind}; leave it out\.$"):
        reconstruct_run.run(parameters, JobRun(tmp_path))


def test_a_device_that_is_not_there_is_refused_before_any_test(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnose_run, "finished_training", Mock())
    parameters = find_job("diagnose").build({"model": ".", "device": "abacus"})
    with pytest.raises(InputError, match="device: abacus cannot be used here"):
        diagnose_run.run(parameters, JobRun(tmp_path))


def test_why_a_device_cannot_be_used_is_one_sentence(monkeypatch):
    import torch

    error = RuntimeError("Could not run it with the 'MPS' backend. It is only available for: " + "CPU, " * 300)
    monkeypatch.setattr(torch, "zeros", Mock(side_effect=error))
    with pytest.raises(InputError, match="^device: mps cannot be used here .*backend.; say cpu, or auto.$") as refusal:
        train_run.choose_device("mps")
    assert len(str(refusal.value)) < 120
    with pytest.raises(InputError, match="cuda:1 cannot"):
        train_run.choose_device("1")


@pytest.mark.parametrize(("words", "sentence"), [
    (("cpu", "gpu"), "devices: cpu,gpu cannot share the images; give GPUs, as 0,1, or cpu,cpu."),
    (("0", "cpu"), "devices: 0,cpu cannot share"), (("auto", "auto"), "devices: auto,auto cannot share"),
    (("0", "cuda:0"), "devices: cuda:0 is named twice; give every GPU once."),
    (("98", "99"), "device: cuda:98 cannot be used here"),
])  # fmt: skip
def test_devices_that_cannot_train_together_are_one_sentence(words, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        train_run.choose_devices(words)
    assert train_run.choose_devices(("cpu", "cpu")) == ("cpu", "cpu")
    assert train_run.choose_devices(("0",)) == ("cuda:0",)


def test_a_device_beside_others_is_refused_and_not_ignored():
    def asked(**values):
        train_run.read_inputs(find_job("train").build({"particles": "gone", "mesh": "gone", **values}))

    with pytest.raises(InputError, match="^device: means nothing beside --devices cpu,cpu; leave it out.$"):
        asked(device="cuda:1", devices=("cpu", "cpu"))
    with pytest.raises(InputError, match="^device: means nothing beside --devices 0,1; leave it out.$"):
        asked(device="0", devices=("0", "1"))
    for agrees in ({"device": "cpu", "devices": ("cpu", "cpu")}, {"devices": ("0", "1")}, {"device": "cuda:1"}):
        with pytest.raises(InputError, match="gone"):
            asked(**agrees)


def test_a_kind_of_device_that_is_none_is_said_without_a_list_of_all():
    with pytest.raises(InputError, match="^device: gpu cannot be used here .there is no such kind.; say cpu"):
        train_run.choose_device("gpu")


def test_a_handful_of_images_is_too_few_to_train_on(monkeypatch):
    monkeypatch.setattr(train_run, "load_prepared", lambda path: SimpleNamespace(particles=range(5)))
    with pytest.raises(InputError, match="particles: 5 images are too few to train on"):
        train_run.read_inputs(find_job("train").build({}))


def test_a_clone_of_a_training_becomes_the_machine_that_is_named(tmp_path):
    record = {"verb": "train", "parameters": {"latent_dims": 3, "decoder": "flow"}, "inputs": {}, "seed": 0}
    folder = new_job_folder(tmp_path, record)
    cloned = cloned_values(folder, {"like": "3dva"})
    assert (cloned["like"], cloned["decoder"], cloned["latent_dims"]) == ("3dva", "linear", 3)
    assert cloned_values(folder)["decoder"] == "flow"


@pytest.mark.parametrize(("verb", "given", "name", "kind"), [
    ("mesh", {"mesh": "other.npz"}, {"coarseness": 10}, "with --mesh"),
    ("mesh", {"mesh": "other.npz"}, {"mask": Path("mask.mrc")}, "with --mesh"),
    ("mesh", {"mask": "mask.mrc"}, {"mask_dilate": 9.0}, "with --mask"),
    ("mesh", {"mask": "mask.mrc"}, {"mask_threshold": 0.0}, "with --mask"),
    ("mesh", {"weights": "w.npz"}, {"rigidity_min": 0.5}, "with --weights"),
    ("simulate", {"poses": "p.star"}, {"shift": 9.0}, "with --poses"),
    ("simulate", {"poses": "p.star"}, {"views": (0.5, 20.0)}, "with --poses"),
    ("simulate", {}, {"labels": Path("l.mrc")}, "without --molecule, a map"),
    ("simulate", {"molecule": "m.pdb"}, {"labels": Path("l.mrc")}, "with an atomic model"),
    ("train", {"decoder": "field", "encoding": "geometric"}, {"feature_sigma": 2.0}, "with --encoding geometric"),
    ("train", {"latents": "variational", "start": "latents", "initial_latents": "z.npz"}, {"initial_means": "zero"},
     "with --initial-latents, where means begin"),
    ("train", {"decoder": "field", "initial_latents": "z.npz"}, {"field_start": "random"},
     "with --initial-latents, where means begin"),
    ("train", {"decoder": "linear", "latents": "variational"}, {"table_rate": 1.0}, "to the linear decoder"),
    ("train", {"decoder": "classes", "latents": "variational"}, {"beta": 3.0}, "to the classes decoder"),
])  # fmt: skip
def test_what_would_change_nothing_is_refused_and_hidden_in_the_form(tmp_path, verb, given, name, kind):
    job = find_job(verb)
    particles = {"particles": "p"} if verb == "train" else {}
    consensus = {"consensus": "c.mrc"} if verb == "mesh" else {}
    parameters = job.build({**particles, **consensus, **given, **name})
    with pytest.raises(InputError, match=rf"^{next(iter(name))}: means nothing {kind}; leave it out\.$"):
        job.function()(parameters, JobRun(tmp_path))
    assert job.unused({**given, **name}) >= set(name)


@pytest.mark.parametrize(("asked", "sentence"), [
    ({"states": 50, "particles": 20}, "states: 50 conformations are more than the 20 particles"),
    ({"junk": 0.6, "strangers": 0.6}, "strangers: 0.6 of the images and 0.6 that are junk are more than all of them"),
])
def test_more_kinds_than_particles_are_not_simulated(asked, sentence):
    with pytest.raises(InputError, match=sentence):
        check_shares(find_job("simulate").build(asked))


def test_the_encoder_sees_no_larger_images_than_there_are():
    for box in (64, 31):
        with pytest.raises(InputError, match=f"^encoder_box: is {box}, but must be even and no more than the 32 pix"):
            train_run.check_encoder_box(box, SimpleNamespace(box=32))
    train_run.check_encoder_box(16, SimpleNamespace(box=32))


@pytest.mark.parametrize(("asked", "left"), [
    ({"like": "cryodrgn", "latents": "table"}, ("field", "table", 5)),
    ({"like": "cryodrgn", "decoder": "linear"}, ("linear", "encoder", 0)),
    ({"like": "3dflex", "decoder": "linear"}, ("linear", "table", 5)),
])
def test_what_is_given_beside_a_known_machine_takes_its_own_parameters_away(asked, left):
    parameters = find_job("train").build(asked)
    check_parts(parameters)
    assert (parameters.decoder, parameters.latents, parameters.encoder_warmup) == left


def test_a_variational_table_that_begins_at_given_latents_does_so_like_a_known_machine():
    parameters = find_job("train").build({"like": "vlt", "initial_latents": "z.npz"})
    assert parameters.initial_means == "guess" and find_job("train").build({"like": "vlt"}).initial_means == "zero"


def test_prep_refuses_a_pixel_size_of_no_map_and_a_file_for_a_folder(tmp_path):
    with pytest.raises(InputError, match="^pixel_size: is that of the consensus map, and there is none"):
        read_consensus(None, 1.5, None, None)
    file = tmp_path / "particles.star"
    file.touch()
    asked = find_job("prep").build({"particles": file, "image_root": file})
    with pytest.raises(InputError, match=f"^image_root: {file} is a file; give the folder"):
        read_input(asked, 0, None)


@pytest.mark.parametrize("verb", ["prep", "mesh"])
@pytest.mark.parametrize("soft", [False, True])
def test_a_mask_is_no_consensus(tmp_path, verb, soft):
    values = ball(24, 7).astype(np.float32)
    path = tmp_path / "mask.mrc"
    write_map(path, soften(ball(24, 6), 5.0, 0.0, 10.0) if soft else values, 5.0)
    with pytest.raises(InputError, match=f"^{path}: .*so it is a mask or labels; give the map itself as --consensus.$"):
        if verb == "mesh":
            find_job("mesh").function()(find_job("mesh").build({"consensus": path}), JobRun(tmp_path))
        else:
            read_consensus(path, None, None, None)
    refuse_mask(blurred(ball(24, 7)), path)


def test_what_prep_was_told_and_cannot_check_is_said(tmp_path, monkeypatch):
    assert prep_run.state_taken("auto") == "" and "taken as multiplied: if" in prep_run.state_taken("multiplied")
    monkeypatch.setattr(prep_symmetry, "asymmetric_unit", lambda density, pixel_size, group: density)
    check = SimpleNamespace(density=np.zeros((8, 8, 8), np.float32), centre=None)
    for known, said in ((None, True), (SimpleNamespace(framed=check.density), False)):
        notes = Notes(JobRun(tmp_path))
        prep_symmetry.write_unit(check, known, 5.0, operators("C4"), notes)
        assert any("not checked that the molecule has 4 equal subunits" in text for text in notes.texts) == said


def test_a_disc_that_leaves_the_molecule_outside_is_said():
    known = SimpleNamespace(framed=blurred(ball(32, 10)))
    assert doubt_radius(known, 66.0, 5.0) is None and doubt_radius(None, 20.0, 5.0) is None
    assert "of the consensus' strong density lies outside the disc of 25 Å" in doubt_radius(known, 25.0, 5.0)
    assert doubt_radius(SimpleNamespace(framed=-known.framed), 25.0, 5.0) is None
