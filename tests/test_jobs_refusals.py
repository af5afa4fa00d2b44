"""What jobs refuse before they compute, as it means nothing or cannot be; and what a clone takes over."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.diagnose import diagnose_run
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.project import new_job_folder
from chimerax.flexrec.jobs.queue.background import cloned_values
from chimerax.flexrec.jobs.reconstruct import reconstruct_run
from chimerax.flexrec.jobs.registry import find_job
from chimerax.flexrec.jobs.train import train_run


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
