"""Motion and composition in one training: a part that half of the particles lack, while another swings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.choose_particles import chosen_where
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.simulate import load_truth
from scipy.stats import spearmanr
from test_train import flexrec, kill_after_a_pass, latents, make_project, process, training, truth

pytestmark = pytest.mark.blank_pictures("composition")

QUICK = ("--decoder", "occupancy", "--modes", 16, "--hidden-units", 16, "--batch-size", 32, "--device", "cpu")
FADING = (*QUICK, "--latent-dims", 2, "--epochs", 3)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """500 particles of 32 pixels, half without the second Fab; 004 is trained with occupancy, 005 is a plain flow."""
    made = make_project(tmp_path_factory.mktemp("occupancy") / "project", "fab1: ±25", 500, 1, "--drop", "fab2: 0.5")
    assert flexrec(made, "train", *FADING) == 0
    assert flexrec(made, "train", "--latent-dims", 2, "--epochs", 1, "--modes", 16, "--start", "modes",
                   "--poses", "fixed", "--device", "cpu") == 0  # fmt: skip
    return made


@pytest.fixture(scope="module")
def absent(project) -> np.ndarray:
    return load_truth(project / "001-simulate").absent[:, 0]


def test_presence_and_motion_are_told_apart(project, absent):
    model = open_model(project / "004-train")
    assert model.kind == "flow with occupancy" and len(model.fading) >= 1
    present = model.presence(model.latents)
    for part in model.fading:
        assert ((present[:, part] > 0.5) == ~absent).mean() > 0.97
        assert present[absent, part].mean() < 0.2 and present[~absent, part].mean() > 0.8
    others = [part for part in range(present.shape[1]) if part not in model.fading]
    assert others and (present[:, others] == 1).all()
    best = [max(abs(spearmanr(model.latents[rows, k], truth(project)[rows]).statistic) for k in range(2))
            for rows in (absent, ~absent)]  # fmt: skip
    assert min(best) > 0.8


def test_maps_have_the_part_and_have_it_not(project, absent):
    model, made = open_model(project / "004-train"), load_truth(project / "001-simulate")
    full, lacking = (model.decode(model.latents[rows].mean(axis=0)) for rows in (~absent, absent))
    share = 1 - lacking.sum() / full.sum()
    lost = made.moving.weights[made.moving.part == 0].sum() / made.moving.weights.sum()
    assert abs(share - lost) < 0.12
    # where it was, hardly anything is left
    gone = full - lacking
    place = gone > 0.3 * gone.max()
    assert np.abs(lacking[place]).sum() < 0.3 * full[place].sum()


def test_a_drag_shows_what_is_there(project, absent):
    model = open_model(project / "004-train")
    full, lacking = (model.what_is_there(model.latents[rows].mean(axis=0)) for rows in (~absent, absent))
    assert full == model.fading and lacking == ()
    assert np.array_equal(model.at_rest(full), model.volume)
    left, lost = model.at_rest(lacking), load_truth(project / "001-simulate").moving
    share = lost.weights[lost.part == 0].sum() / lost.weights.sum()
    assert abs(1 - left.sum() / model.volume.sum() - share) < 0.12


def test_presence_is_a_column_of_particles_that_can_be_selected(project, absent):
    trained = open_trained(project / "004-train")
    part = trained.model.fading[0] + 1
    assert f"presence{part}" in column_names(trained)
    values = column(trained, f"presence{part}").values
    assert ((values > 0.5) == ~absent).mean() > 0.97
    assert np.array_equal(chosen_where(trained, f"presence{part} > 0.5"), values > 0.5)
    with pytest.raises(InputError, match="presence99"):
        column(trained, "presence99")
    written = read_particles(project / "004-train" / "refined.star")
    assert np.allclose(written.columns[f"flexrecPresence{part}"].astype(float), values, atol=2e-4)
    told = trained.model.notes
    assert told[0] == f"Part {part} is present in {100 * (values >= 0.5).mean():.0f} % of the particles."
    assert training(project / "004-train", f"flexrecPresence{part}").shape == (3,)
    mesh = trained.model.mesh
    labelled = replace(trained.model, mesh=replace(mesh, labels=tuple(range(10, 10 * mesh.parts + 1, 10))))
    assert f"presence{10 * part}" in labelled.columns and f"presence{part}" not in labelled.columns
    assert labelled.notes[0].startswith(f"Part {10 * part} is present")


def test_a_plain_flow_knows_of_no_presence(project):
    model = open_model(project / "005-train")
    assert model.fading == () and model.notes == ()
    with pytest.raises(InputError, match="--decoder occupancy"):
        model.presence(model.latents)


def test_diagnose_says_which_model_is_unfit(project):
    assert flexrec(project, "diagnose", "composition", "--model", project / "005-train", "--device", "cpu") == 0
    assert flexrec(project, "diagnose", "composition", "--model", project / "004-train", "--device", "cpu") == 0
    plain, own = (json.loads((job / "composition.json").read_text())
                  for job in sorted(project.glob("0*-diagnose"))[-2:])  # fmt: skip
    assert plain["level"] == "bad" and "Train with --decoder occupancy" in plain["sentence"]
    # of the images that the plain flow takes for particles: some that lack the part it does not
    assert all(abs(share - 0.5) < 0.1 for share in plain["numbers"]["present"].values())
    assert own["level"] == "good" and plain["numbers"]["gain"] > 1
    assert (sorted(project.glob("0*-diagnose"))[-1] / "composition.png").stat().st_size > 10_000


def test_a_killed_training_resumes_to_the_same_numbers(project):
    words = (*QUICK, "--latent-dims", 2, "--epochs", 2, "--poses", "fixed", "--scales", "keep")
    assert flexrec(project, "train", *words) == 0
    whole = sorted(project.glob("0*-train"))[-1]
    killed = project / f"{int(whole.name[:3]) + 1:03d}-train"
    kill_after_a_pass(process(project, *words), killed)
    assert flexrec(project, "resume", killed.name) == 0
    assert np.array_equal(latents(killed), latents(whole))
    assert (killed / "flow.npz").read_bytes() == (whole / "flow.npz").read_bytes()


def test_where_all_is_there_it_is_the_flow(tmp_path):
    made = make_project(tmp_path / "project", "fab1: ±25", 200, 2)
    words = ("--latent-dims", 1, "--epochs", 1, "--modes", 16, "--hidden-units", 8, "--device", "cpu")
    assert flexrec(made, "train", *words) == 0
    assert flexrec(made, "train", *words, "--decoder", "occupancy") == 0
    assert np.array_equal(latents(made / "004-train"), latents(made / "005-train"))
    model = open_model(made / "005-train")
    assert model.fading == () and (model.presence(model.latents) == 1).all()
    assert np.array_equal(model.decode([0.5]), open_model(made / "004-train").decode([0.5]))
    assert "nothing fades" in (made / "005-train" / "log.txt").read_text()


def test_a_piece_of_a_part_comes_and_goes(project, absent):
    """The mesh is a single part, of which a third is a Fab that half of the particles lack."""
    assert flexrec(project, "mesh", "--consensus", project / "001-simulate" / "consensus.mrc", "--parts", 1) == 0
    mesh = sorted(project.glob("0*-mesh"))[-1]
    assert flexrec(project, "train", *QUICK, "--latent-dims", 2, "--epochs", 2, "--mesh", mesh) == 0
    job = sorted(project.glob("0*-train"))[-1]
    model = open_model(job)
    assert model.mesh.parts == 1 and model.region_names == ("1", "1b") and model.fading == (1,)
    values = column(open_trained(job), "presence1b").values
    assert ((values > 0.5) == ~absent).mean() > 0.97
    assert "comes and goes by itself, and is called part 1b" in (job / "log.txt").read_text()
    written = read_particles(job / "refined.star").columns["flexrecPresence1b"].astype(float)
    assert np.allclose(written, values, atol=2e-4)
    made = load_truth(project / "001-simulate").moving
    lost = made.weights[made.part == 0].sum() / made.weights.sum()
    full, lacking = (model.decode(model.latents[rows].mean(axis=0)) for rows in (~absent, absent))
    assert abs(1 - lacking.sum() / full.sum() - lost) < 0.12
    assert flexrec(project, "diagnose", "composition", "--model", job, "--device", "cpu") == 0
    told = json.loads((sorted(project.glob("0*-diagnose"))[-1] / "composition.json").read_text())
    assert told["level"] == "good" and "Part 1b is present" in told["sentence"] and told["numbers"]["known"] == ["1b"]


def test_a_model_of_before_there_were_regions_opens(project, tmp_path):
    old = tmp_path / "project" / "004-train"
    shutil.copytree(project / "004-train", old)
    with np.load(old / "flow.npz") as file:
        arrays = {name: file[name] for name in file.files}
    of_parts = {name: value for name, value in arrays.items() if not name.startswith("region_")}
    np.savez(old / "flow.npz", **of_parts)
    now, before = open_model(project / "004-train"), open_model(old)
    assert before.fading == now.fading and np.array_equal(before.decode([0.3, 0.4]), now.decode([0.3, 0.4]))
    np.savez(old / "flow.npz", **{**arrays, "region_part": arrays["region_part"] + 7})
    with pytest.raises(InputError, match="regions that do not fit its parts"):
        open_model(old)


def test_few_particles_that_lack_a_part_are_no_junk(tmp_path):
    made = make_project(tmp_path / "project", "fab1: ±15", 300, 3, "--drop", "fab2: 0.15")
    absent = load_truth(made / "001-simulate").absent[:, 0]
    words = ("--latent-dims", 2, "--epochs", 1, "--modes", 16, "--start", "modes", "--poses", "fixed",
             "--device", "cpu")  # fmt: skip
    for decoder in ("flow", "occupancy"):
        assert flexrec(made, "train", *words, "--decoder", decoder) == 0
    plain, own = (made / name for name in ("004-train", "005-train"))
    # to a flow that has all of the molecule, most that lack a third are another one
    assert probability(plain)[absent].mean() < 0.5 < 0.95 < probability(own)[absent].mean()
    assert "lack a part of the molecule: --decoder occupancy" in (plain / "log.txt").read_text()
    model = open_model(own)
    present = model.presence(model.latents)[:, model.fading[0]]
    assert ((present > 0.5) == ~absent).mean() > 0.97
    assert flexrec(made, "diagnose", "composition", "--model", plain, "--device", "cpu") == 0
    told = json.loads((made / "006-diagnose" / "composition.json").read_text())
    assert told["level"] == "bad" and all(abs(share - 0.85) < 0.05 for share in told["numbers"]["present"].values())


def probability(train: Path) -> np.ndarray:
    """Of each image to be a particle, as a training found it."""
    with np.load(train / "latents.npz") as file:
        return file["probability"] if "probability" in file.files else np.ones(len(file["z"]))
