"""The rows of the grid: variational table and encoder, alone on small arrays and through the real jobs."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.latents.diagonal import log_variance_of, precision_of
from chimerax.flexrec.engine.latents.divergence import divergence
from chimerax.flexrec.engine.latents.encoder.encoder_input import EncoderInput, in_plane, turned_back
from chimerax.flexrec.engine.latents.encoder.trained_encoder import encode, read_encoder
from chimerax.flexrec.engine.latents.row_adam import RowAdam
from chimerax.flexrec.engine.latents.variational import VariationalTable
from chimerax.flexrec.engine.training.batches import Batch, ParticleImages
from chimerax.flexrec.engine.training.pose_corrections import Poses
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.registry import find_job
from chimerax.flexrec.jobs.train import train_parts
from chimerax.flexrec.jobs.train.presets import KNOWN_MACHINES
from chimerax.flexrec.jobs.train.train_parts import DECODERS, SOURCES, presets, unused_parameters
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from scipy.stats import spearmanr
from test_train import flexrec, latents, make_project, training, truth

pytestmark = pytest.mark.blank_pictures()

AS_GIVEN = ("--poses", "fixed", "--junk", "keep", "--scales", "keep")
FLOW = ("--latent-dims", 1, "--modes", 16, "--hidden-units", 8, "--start", "modes", "--batch-size", 32, "--device",
        "cpu", *AS_GIVEN)  # fmt: skip
VARIATIONAL = ("--latents", "variational", "--epochs", 4)
ENCODER = ("--latents", "encoder", "--epochs", 3, "--encoder-units", 64, "--encoder-warmup", 10, "--encoder-rate", 1e-3)


# ----- the mathematics -----


def test_the_divergence_is_that_of_normal_distributions():
    rng = np.random.default_rng(0)
    mean, log_variance = torch.tensor([[0.7, -0.2]]), torch.tensor([[-1.0, 0.3]])
    drawn = mean.numpy() + np.exp(0.5 * log_variance.numpy()) * rng.normal(size=(400_000, 2))
    own = -0.5 * ((drawn - mean.numpy()) ** 2 / np.exp(log_variance.numpy()) + log_variance.numpy())
    assert float(divergence(mean, log_variance)) == pytest.approx((own + 0.5 * drawn**2).sum(axis=1).mean(), abs=0.01)
    assert float(divergence(torch.zeros(1, 3), torch.zeros(1, 3))) == 0


def test_a_row_takes_the_steps_that_adam_alone_would_take():
    gradients = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    adam, table = RowAdam(4, 3, "cpu"), torch.zeros(4, 3)
    alone = torch.zeros(3, requires_grad=True)
    theirs = torch.optim.Adam([alone], lr=0.1, betas=(0.5, 0.9))
    for number, gradient in enumerate(gradients):
        rows = torch.tensor([2]) if number % 2 else torch.tensor([0, 2])
        table[rows] += adam.step(rows, gradient.expand(len(rows), 3), 0.1)
        alone.grad = gradient.clone()
        theirs.step()
    assert torch.allclose(table[2], alone.detach(), atol=1e-6)
    assert not table[1].any() and not torch.allclose(table[0], table[2])


class _Quadratic:
    """A decoder whose misfit is ½ (z − best)ᵀ H (z − best), and a pass with it."""

    straight, best, curvature = False, torch.tensor([1.2, -0.4]), torch.tensor([24.0, 3.0])

    def gradient(self, z: torch.Tensor, size: int) -> torch.Tensor:
        return self.curvature * (z - self.best) / size


@pytest.mark.parametrize("beta", [1.0, 5.0])
def test_mean_and_variance_find_the_bound_of_a_known_posterior(beta):
    decoder, source = _Quadratic(), VariationalTable()
    count = 200
    trainer = type("Trainer", (), {"images": np.zeros(count), "device": "cpu"})
    source.begin(trainer, 2)
    source._beta = beta
    now = type("Pass", (), {"points": source.points, "trainer": trainer})
    rows, normal = torch.arange(count), torch.Generator().manual_seed(2)
    batch = Batch(rows, *(torch.zeros(count, 1),) * 3)
    for step in range(400):
        source.set_rate(0.1 * 0.99**step)
        _, z = source.move(now, decoder, batch, torch.randn(count, 2, generator=normal))
        z.grad = decoder.gradient(z.detach(), count)
        source.learn(now, decoder, batch, z, count)
    # misfit + β KL is least at mean H best / (H + β), variance β / (H + β); Adam's short memory leaves it a bit wide
    wanted = decoder.curvature * decoder.best / (decoder.curvature + beta)
    variance = log_variance_of(source.points.precision).exp()
    assert torch.allclose(source.points.z.mean(dim=0), wanted, atol=0.02)
    assert torch.allclose(variance.mean(dim=0), beta / (decoder.curvature + beta), rtol=0.25)
    assert torch.allclose(precision_of(log_variance_of(source.points.precision)), source.points.precision, rtol=1e-6)


def test_an_aligned_image_looks_the_same_however_it_is_turned():
    box, rng = 32, np.random.default_rng(3)
    line = torch.arange(box) - box // 2
    y, x = torch.meshgrid(line.float(), line.float(), indexing="ij")
    image = sum(torch.exp(-((x - a) ** 2 + (y - b) ** 2) / 8) for a, b in rng.uniform(-7, 7, (4, 2)))
    seen, poses = EncoderInput(box, 4.0, True), Poses.fixed(2, "cpu")
    angle = torch.tensor([0.9])
    turned = turned_back(image[None], -angle)[0]  # by plus the angle
    view = torch.tensor([[0.36, 0.48, 0.8], [-0.8, 0.6, 0.0], [-0.48, -0.64, 0.6]])
    cosine, sine = angle.cos(), angle.sin()
    spin = torch.tensor([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    views = torch.stack([view, spin @ view])
    assert torch.allclose(in_plane(views)[1] - in_plane(views)[0], angle[0], atol=1e-5)
    both = torch.fft.rfft2(torch.stack([image, turned]))
    flipped = torch.full(both.shape, -0.5)
    first, second = seen(Batch(torch.arange(2), -both, flipped, views), poses)
    plain = EncoderInput(box, 4.0, False)(Batch(torch.arange(2), -both, flipped, views), poses)
    assert (first - second).norm() < 0.05 * first.norm()
    assert (plain[0] - plain[1]).norm() > 0.3 * plain[0].norm()
    # phases are flipped by the sign of the transfer alone
    upright = EncoderInput(box, 4.0, False)(Batch(torch.arange(2), both, torch.ones(both.shape), views), poses)
    assert torch.allclose(plain, upright, atol=1e-4)


# ----- through the jobs -----


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """400 particles and a mesh."""
    return make_project(tmp_path_factory.mktemp("bare") / "project", "fab1: ±25", 400, 1)


@pytest.fixture(scope="module")
def project(bare, tmp_path_factory) -> Path:
    """The same; 004 to 007: variational table and encoder, each with flow and linear components."""
    project = tmp_path_factory.mktemp("sources") / "project"
    shutil.copytree(bare, project, ignore=shutil.ignore_patterns("0*-train"))
    linear = ("--latent-dims", 1, "--device", "cpu", "--decoder", "linear")
    assert flexrec(project, "train", *FLOW, *VARIATIONAL) == 0
    assert flexrec(project, "train", *FLOW, *ENCODER) == 0
    assert flexrec(project, "train", *linear, "--latents", "variational", "--epochs", 4) == 0
    assert flexrec(project, "train", *linear, *ENCODER) == 0
    return project


def test_every_pair_finds_the_hinge(project):
    found = [abs(spearmanr(latents(project / f"00{number}-train")[:, 0], truth(project)).statistic)
             for number in (4, 5, 6, 7)]  # fmt: skip
    assert found[0] > 0.8 and found[1] > 0.6 and found[2] > 0.8 and found[3] > 0.6, found


def test_dimensions_are_known_independently_and_the_prior_is_told(project):
    for number in (4, 5, 6, 7):
        model = open_model(project / f"00{number}-train")
        assert model.latents.shape == (400, 1) and (model.precision[:, 0, 0] > 1).mean() > 0.9
        kl = training(project / f"00{number}-train", "kl")
        assert (kl > 0).all() and kl[-1] > 0.3
        ends = [model.decode(z) for z in ([-1.0], [1.0])]
        assert np.linalg.norm(ends[1] - ends[0]) > 0.03 * np.linalg.norm(ends[0])


def test_a_killed_training_goes_on_to_the_same_numbers(project, monkeypatch):
    from chimerax.flexrec.engine.training import training_loop

    whole = [training_loop.run_training]

    class Killed(BaseException):
        pass

    for words in ((*FLOW, *VARIATIONAL), (*FLOW, *ENCODER)):
        done = "004-train" if VARIATIONAL[1] in words else "005-train"

        def dies(trainer, training, save):
            def save_and_die(training, stage):
                save(training, stage)
                if training.epoch == 2:
                    raise Killed

            whole[0](trainer, training, save_and_die)

        monkeypatch.setattr(training_loop, "run_training", dies)
        with pytest.raises(Killed):
            flexrec(project, "train", *words)
        monkeypatch.setattr(training_loop, "run_training", whole[0])
        job = sorted(project.glob("0*-train"))[-1]
        status = json.loads((job / "status.json").read_text())
        (job / "status.json").write_text(json.dumps(status | {"pid": 2**22 + 1}))
        assert flexrec(project, "train", "--resume", job.name) == 0
        assert np.array_equal(latents(job), latents(project / done))
        shutil.rmtree(job)


def test_an_encoder_tells_latents_of_images_of_its_box_alone(project):
    encoder, prepared = read_encoder(project / "005-train"), load_prepared(project / "002-prep")
    images = ParticleImages(prepared.particles, prepared.filter)
    mean, variance = encode(encoder, images)
    model = open_model(project / "005-train")
    assert np.allclose(mean, model.latents, atol=1e-4)
    assert np.allclose(1 / variance[:, 0], model.precision[:, 0, 0], rtol=1e-3)
    assert np.allclose(encode(encoder, images, np.array([7, 3]))[0], mean[[7, 3]], atol=1e-5)
    images.box = 24
    with pytest.raises(InputError, match="box of 24 pixels, and the encoder was trained on 32"):
        encode(encoder, images)
    with pytest.raises(InputError, match="has no encoder"):
        read_encoder(project / "004-train")


@pytest.mark.parametrize("source", ["variational", "encoder"])
def test_a_team_finds_what_one_finds(bare, source):
    # at ten times its default rate a network makes a tenth out of the thousandths by which first guesses differ
    words = (*FLOW, "--latents", source, "--epochs", 1, *(("--encoder-units", 64) if source == "encoder" else ()))
    assert flexrec(bare, "train", *words) == 0 and flexrec(bare, "train", *words, "--devices", "cpu,cpu") == 0
    one, team = (latents(job)[:, 0] for job in sorted(bare.glob("0*-train"))[-2:])
    assert np.median(np.abs(one - team)) < 0.02 and np.corrcoef(one, team)[0, 1] > 0.99


def test_latents_that_are_given_may_be_kept(bare):
    angles = truth(bare)
    given = ((angles - angles.mean()) / angles.std())[:, None].astype(np.float32)
    np.savez(bare / "given.npz", z=given)
    kept = ("--start", "latents", "--initial-latents", bare / "given.npz", "--freeze-latents")
    words = tuple(word for word in FLOW if word not in ("--start", "modes"))
    assert flexrec(bare, "train", *words, "--latents", "variational", "--epochs", 2, *kept) == 0
    job = sorted(bare.glob("0*-train"))[-1]
    model = open_model(job)
    assert np.allclose(model.latents, given, atol=1e-4) and (model.precision[:, 0, 0] > 1.2).mean() > 0.8


def test_without_a_prior_it_is_said(bare):
    assert flexrec(bare, "train", *FLOW, "--latents", "variational", "--epochs", 1, "--beta", 0) == 0
    job = sorted(bare.glob("0*-train"))[-1]
    assert "latents have no scale" in (job / "log.txt").read_text()


@pytest.mark.parametrize("decoder", ["flow", "linear"])
def test_numbers_that_are_none_stop_a_training_and_leave_its_model(bare, monkeypatch, capfd, decoder):
    from chimerax.flexrec.engine.decoders.flow.flow_decoder import FlowDecoder
    from chimerax.flexrec.engine.decoders.linear.linear_decoder import LinearDecoder

    kind = FlowDecoder if decoder == "flow" else LinearDecoder
    begin = kind.begin_pass

    def spoiled(self, now):
        begin(self, now)
        if now.epoch == 1 and decoder == "flow":
            next(self.flow.parameters()).data.fill_(float("nan"))
        elif now.epoch == 1:
            self.volumes = self.volumes * float("nan")

    monkeypatch.setattr(kind, "begin_pass", spoiled)
    words = FLOW if decoder == "flow" else ("--latent-dims", 1, "--device", "cpu", "--decoder", "linear")
    assert flexrec(bare, "train", *words, "--epochs", 3) != 0
    job = sorted(bare.glob("0*-train"))[-1]
    assert "In pass 2 of 3" in capfd.readouterr().err
    status = json.loads((job / "status.json").read_text())
    assert status["status"] == "failed" and "the model after pass 1 is kept" in status["error"]
    model = open_model(job)
    assert model.epoch == 1 and np.isfinite(model.decode([0.5])).all()


# ----- what can be asked -----


def test_a_preset_sets_its_parts_and_what_is_given_wins():
    train = find_job("train")
    named = {each.name: each for each in presets()}
    assert {"3dflex", "3dva"} <= set(named) and all(
        each.decoder in DECODERS and each.latents in SOURCES for each in named.values()
    )
    built = train.build({"like": "3dva"})
    assert (built.decoder, built.latents) == ("linear", "table")
    assert train.build({"like": "3dva", "decoder": "flow"}).decoder == "flow"
    flex = train.build({"like": "3dflex", "hidden_layers": 2})
    assert (flex.poses, flex.junk, flex.hidden_layers, flex.decoder) == ("fixed", "keep", 2, "flow")
    assert "resolution" not in unused_parameters({"like": "3dva"}) and "rigidity" in unused_parameters({"like": "3dva"})


def test_presets_name_parameters_of_their_parts(monkeypatch):
    for each in KNOWN_MACHINES:
        parts = [part for part in (DECODERS.get(each.decoder), SOURCES.get(each.latents)) if part is not None]
        declared = {field.name for part in parts for field in fields(part.parameters)}
        if len(parts) == 2:
            assert {name for name, _ in each.more} <= declared
        else:
            assert each.name not in [preset.name for preset in presets()]
            monkeypatch.setitem(train_parts.DECODERS, each.decoder, DECODERS["flow"])
            assert each.name in [preset.name for preset in presets()]


def test_parameters_of_another_source_are_refused(bare, capfd):
    assert flexrec(bare, "train", *FLOW, "--latents", "variational", "--centering", 2) != 0
    assert "centering: means nothing to the variational table of latents" in capfd.readouterr().err
    assert flexrec(bare, "train", *FLOW, "--latents", "encoder", "--freeze-latents") != 0
    assert "freeze_latents: means nothing to the encoder of latents" in capfd.readouterr().err


def test_the_form_shows_what_belongs_to_the_chosen_source(qtbot):
    pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)
    from chimerax.flexrec.panel.jobs.job_form import JobForm

    form = JobForm(find_job("train"))
    qtbot.addWidget(form)

    def shown() -> set[str]:
        return {name for name, row in form.rows.items() if row.used}

    assert {"latents", "like", "centering"} <= shown() and not shown() & {"beta", "encoder_view", "initial_means"}
    form.put({"latents": "encoder"})
    assert {"beta", "encoder_view", "encoder_units"} <= shown() and not shown() & {"centering", "initial_means"}
    form.put({"latents": "variational"})
    assert {"beta", "initial_means", "freeze_latents"} <= shown() and not shown() & {"centering", "encoder_view"}
    form.put({"like": "3dva"})
    assert "resolution" in shown() and "rigidity" not in shown()


@pytest.mark.parametrize(("decoder", "source", "wanted"), [
    ("flow", "variational", 10), ("flow", "encoder", 10), ("classes", "encoder", 10), ("linear", "variational", None),
    ("field", "encoder", 26), ("field", "variational", 26), ("field", "table", None),
])  # fmt: skip
def test_passes_are_those_of_the_part_that_wants_more(decoder, source, wanted):
    decoder, source = (parts[name].make(parts[name].parameters())
                       for parts, name in ((DECODERS, decoder), (SOURCES, source)))  # fmt: skip
    assert source.passes(decoder, 5_000, 64) == wanted
    assert decoder.passes(5_000, 64) == sum(level.epochs for level in decoder.levels(64, 5.0, 5_000, 1, None, 0.95, 64))
