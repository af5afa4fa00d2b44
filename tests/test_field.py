"""Training a field: what its network predicts and learns, that it goes on to the same bytes, and runs as two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.decoder import Decoder, Pass
from chimerax.flexrec.engine.decoders.field import field_state
from chimerax.flexrec.engine.decoders.field.field_decoder import FieldDecoder
from chimerax.flexrec.engine.decoders.field.field_network import FieldNetwork, encoding_directions
from chimerax.flexrec.engine.decoders.field.field_parameters import FieldParameters
from chimerax.flexrec.engine.decoders.field.field_transform import amplitude_at, complex_parts, field_volume, half_space
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.checkpoint import load_resume, save_resume
from chimerax.flexrec.engine.training.schedule import ResolutionLevel, coarse_to_fine
from chimerax.flexrec.engine.training.trainer import Interrupted, Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training, run_training
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.diagnose.finished_training import finished_training
from chimerax.flexrec.jobs.diagnose.restored_training import restore
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reports.finding import read_finding
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from scipy.stats import spearmanr
from test_team import train as train_as_team
from test_train import flexrec, make_project, truth, unit_spread

pytestmark = pytest.mark.blank_pictures()

TRAIN = ("train", "--decoder", "field", "--latent-dims", 1, "--field-units", 64, "--batch-size", 8, "--device", "cpu")
SMALL = FieldParameters(field_units=32, field_layers=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """200 particles at 40 pixels, which training takes through three box sizes; 004-train is a field."""
    project = make_project(tmp_path_factory.mktemp("field") / "project", "fab1: ±25", 200, 3, box=40)
    assert flexrec(project, *TRAIN, "--epochs", 8, "--seed", 7) == 0
    return project


def trainer_of(project: Path, dims: int = 1, **others: object) -> Trainer:
    prepared = load_prepared(project / "002-prep")
    images = ParticleImages(prepared.particles, prepared.filter)
    return Trainer(
        images, load_mesh(project / "003-mesh" / "mesh.npz"), Settings(latent_dims=dims, batch_size=16),
        coarse_to_fine(prepared.box, prepared.pixel_size, 3, 0.95), log=lambda text: None, **others,
    )  # fmt: skip


def begun(trainer: Trainer, settings: FieldParameters = SMALL) -> Training:
    training = Training(FieldDecoder(settings), LatentTable())
    training.begin(trainer)
    return training


def weights(training: Training) -> torch.Tensor:
    return torch.cat([value.detach().reshape(-1) for value in training.decoder.network.parameters()])


# ----- what it finds -----


def test_the_latent_is_the_angle_of_the_hinge_and_maps_follow_it(made):
    model = open_model(made / "004-train")
    assert model.kind == "field" and model.latents.shape == (200, 1) and model.epoch == model.epochs == 8
    assert abs(spearmanr(model.latents[:, 0], truth(made)).statistic) > 0.95
    assert unit_spread(made / "004-train")
    with np.load(made / "004-train" / "training.npz") as file:
        assert list(file["box"]) == [32] * 4 + [36] * 2 + [40] * 2
        assert (file["rigid_misfit"] - file["misfit"])[-1] > 60
    assert np.allclose(model.decode(model.latents.mean(axis=0)), model.volume, atol=1e-4 * model.volume.max())
    assert {"latents.png", "history.png", "maps.png"} <= {path.name for path in (made / "004-train").glob("*.png")}
    assert "explains each image better than the rigid map by" in (made / "004-train" / "log.txt").read_text()


def test_latents_that_are_given_are_kept_or_gone_on_from(made, tmp_path):
    angles = truth(made)
    np.savez(tmp_path / "z.npz", z=((angles - angles.mean()) / angles.std())[:, None])
    given = ("--initial-latents", tmp_path / "z.npz", "--epochs", 2)
    assert flexrec(made, *TRAIN, *given, "--freeze-latents") == 0
    kept = open_model(sorted(made.glob("*-train"))[-1])
    assert np.allclose(kept.latents[:, 0], (angles - angles.mean()) / angles.std(), atol=1e-6)
    assert flexrec(made, *TRAIN, *given) == 0
    moved = open_model(sorted(made.glob("*-train"))[-1])
    assert not np.allclose(moved.latents, kept.latents, atol=0.01)
    for model in (kept, moved):
        assert abs(spearmanr(model.latents[:, 0], angles).statistic) > 0.95
        low, high = (model.decode(np.quantile(model.latents, q, axis=0)) for q in (0.1, 0.9))
        assert np.linalg.norm(high - low) > 0.3 * np.linalg.norm(model.volume)


# ----- what it predicts -----


@pytest.mark.parametrize("domain", ["fourier", "hartley"])
def test_an_image_is_a_slice_of_the_decoded_map(made, domain):
    trainer = trainer_of(made)
    training = begun(trainer, replace(SMALL, domain=domain))
    decoder, points = training.decoder, training.points
    stage = decoder.enter(trainer, trainer.levels[0], points)
    batch, z = next(stage.batches(np.arange(6))), torch.tensor([0.7])
    with decoder.network.exactly(), torch.no_grad():
        change = decoder.predict(stage, batch, z[None]) - decoder.rigid(stage, batch)
    plane, box = decoder.plane(stage), stage.box
    radius = int(torch.hypot(plane.kx, plane.ky).max())
    volume = field_volume(decoder.network, decoder.amplitude, radius, box, z, 1000)
    n = torch.arange(box) - box // 2
    at = torch.stack(torch.meshgrid(n, n, n, indexing="ij")[::-1], dim=-1).reshape(-1, 3).float()
    phase = plane.places(batch.rotation) @ at.T * (2 * torch.pi / box)
    cut = torch.polar(torch.ones_like(phase), -phase) @ volume.reshape(-1).to(torch.complex64)
    wanted = cut * batch.transfer[:, plane.used]
    made_of = plane.samples(change)
    likeness = (made_of * wanted.conj()).sum().real / (made_of.norm() * wanted.norm())
    assert likeness > 0.9 and abs(float(made_of.norm() / wanted.norm()) - 1) < 0.1


def test_images_at_latents_that_many_are_tried_at_are_cut_out_of_maps(made, monkeypatch):
    restored = restore(finished_training(made / "004-train"), "cpu")
    decoder, stage, z = restored.training.decoder, restored.stage, restored.training.points.z
    coarse = decoder.coarser(Pass(restored.trainer, stage, restored.training.points, 1), ResolutionLevel(24, 1, 0.9))
    batch = next(stage.batches(np.arange(64))).cropped(24)
    with torch.no_grad():
        wanted = torch.stack([coarse.misfit(batch, decoder.predict(coarse, batch, point[None])) for point in z[:12]])
        for most, spread in ((field_state.PADDED, 0.05), (0, 0.15)):
            monkeypatch.setattr(field_state, "PADDED", most)
            images = decoder.images_at(coarse, z[:12])(batch)
            misfits = torch.stack([coarse.misfit(batch, image) for image in images])
            assert (misfits - wanted).std() < spread * wanted.std(dim=0).mean()
            assert abs(float((misfits - wanted).mean())) < spread * wanted.std(dim=0).mean()


@pytest.mark.parametrize("encoding", ["gaussian", "geometric"])
def test_derivatives_by_the_latents_are_those_of_the_network(encoding):
    network = FieldNetwork(encoding_directions(replace(SMALL, encoding=encoding), 40, 1), 3, 16, 2, 2)
    generator = torch.Generator().manual_seed(0)
    place, z = 8 * torch.randn(4, 50, 3, generator=generator), torch.randn(4, 3, generator=generator)
    with network.exactly():
        encoded = network.encoded(place)
        values, slopes = network.with_slopes(encoded, z)
        whole = torch.autograd.functional.jacobian(lambda z: network(encoded, z), z)  # (b, p, 2, b, k)
        assert torch.allclose(values, network(encoded, z), atol=1e-6)
    own = torch.stack([whole[i, :, :, i] for i in range(4)]).permute(0, 3, 1, 2)
    assert own.abs().max() > 0.01 and torch.allclose(slopes, own, atol=1e-6)


def test_fast_numbers_are_the_exact_ones_to_a_percent():
    network = FieldNetwork(encoding_directions(SMALL, 40, 1), 2, 256, 3, 2)
    place, z = 8 * torch.randn(4, 200, 3), torch.randn(4, 2)
    with torch.no_grad():
        fast = network(network.encoded(place), z)
        with network.exactly():
            exact = network(network.encoded(place), z)
    assert (fast - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("hartley", [False, True])
def test_the_opposite_frequency_is_the_conjugate(hartley):
    def values(asked: torch.Tensor) -> torch.Tensor:
        """Of some network: any function will do."""
        return torch.stack([torch.sin(asked @ torch.tensor(row)) for row in ([1.0, 2, 3], [0.3, -1, 2])[: 2 - hartley]],
                           dim=-1)  # fmt: skip

    place = torch.randn(2, 30, 3)
    here, there = (complex_parts(values(asked), opposite, hartley)
                   for asked, opposite in (half_space(place, hartley), half_space(-place, hartley)))  # fmt: skip
    assert torch.allclose(here, there * torch.tensor([1.0, -1.0]), atol=1e-6) and here.shape == (2, 30, 2)
    if hartley:
        assert torch.allclose(here[..., 0] - here[..., 1], values(place)[..., 0], atol=1e-6)


def test_amplitudes_lie_between_shells():
    amplitude = torch.tensor([4.0, 4, 2, 1])
    assert amplitude_at(amplitude, torch.tensor([0.5, 1.5, 2.25, 3, 7])).tolist() == [4, 3, 1.75, 1, 1]


# ----- how it learns -----


def test_what_is_learned_in_pieces_is_what_is_learned_at_once(made, monkeypatch):
    trainer = trainer_of(made, 2)
    training = begun(trainer)
    decoder, stage = training.decoder, training.decoder.enter(trainer, trainer.levels[0], training.points)
    now, batch = Pass(trainer, stage, training.points, 0), next(stage.batches_of([np.arange(24)]))
    decoder.begin_pass(now)
    found = []
    for numbers in (1, 1 << 30):
        monkeypatch.setitem(field_state.NUMBERS, "cpu", numbers)
        decoder.optimiser.zero_grad()
        source = torch.full((24, 2), 0.3, requires_grad=True)  # as a network's output, of which latents are made
        with decoder.network.exactly():
            told = decoder.learn(now, batch, 2 * source, np.arange(24), 24)
        gradient = torch.cat([value.grad.reshape(-1) for value in decoder.network.parameters()])
        found.append((told, gradient, source.grad))
    for pieces, whole in zip(*found, strict=True):
        assert whole.abs().max() > 0 and torch.allclose(pieces, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))
    # from all samples it learns what any decoder would
    decoder.settings = replace(decoder.settings, field_samples=1.0)
    decoder.begin_pass(now)
    with decoder.network.exactly():
        source = torch.full((24, 2), 0.3, requires_grad=True)
        of_all = decoder.learn(now, batch, 2 * source, np.arange(24), 24)
        plain = torch.full((24, 2), 0.3, requires_grad=True)
        decoder.optimiser.zero_grad()
        told = Decoder.learn(decoder, now, batch, 2 * plain, np.arange(24), 24)
    assert torch.allclose(of_all[0], told[0], rtol=1e-5) and torch.allclose(found[1][0], of_all, rtol=0.05)
    assert torch.allclose(source.grad, plain.grad, rtol=1e-2, atol=1e-3 * float(plain.grad.abs().max()))


def test_a_random_start_learns_too(made):
    trainer, saved = trainer_of(made), []
    training = begun(trainer, FieldParameters(field_units=64, field_start="random"))
    assert training.points.z.std() > 0.9
    run_training(trainer, training, lambda training, stage: saved.append(training.history[-1]))
    gain = [line["rigid_misfit"] - line["misfit"] for line in saved]
    assert gain[-1] > max(2, 2 * gain[0])


def test_weights_that_are_no_numbers_end_the_training(made):
    trainer = trainer_of(made)
    training = begun(trainer)
    with torch.no_grad():
        training.decoder.network.last.bias.fill_(torch.nan)
    with pytest.raises(InputError, match="became no number"):
        run_training(trainer, training, lambda training, stage: None)


def test_an_interrupted_training_goes_on_to_the_same_bytes(made, tmp_path):
    unbroken, whole = trainer_of(made), {}
    run_training(unbroken, begun(unbroken), lambda training, stage: whole.update({training.epoch: weights(training)}))
    stop = []
    broken = trainer_of(made, stop=lambda: bool(stop))
    job, checkpoint = JobRun(tmp_path), tmp_path / "resume.safetensors"

    def save(training, stage):
        save_resume(job.output, broken, training)
        stop.append(training.epoch)

    with pytest.raises(Interrupted):
        run_training(broken, begun(broken), save)
    again, seen, training = trainer_of(made), {}, Training(FieldDecoder(SMALL), LatentTable())
    load_resume(checkpoint, again, training)
    assert training.epoch == 1
    run_training(again, training, lambda training, stage: seen.update({training.epoch: weights(training)}))
    assert set(seen) == {2, 3} and all(torch.equal(seen[epoch], whole[epoch]) for epoch in seen)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_find_what_one_does(made, tmp_path):
    (alone,) = train_as_team(made, tmp_path, 1, "field")
    first, second = train_as_team(made, tmp_path, 2, "field")
    for name in alone:
        assert first[name].tobytes() == second[name].tobytes(), name
    # from random latents: 1,200 steps before the first image would magnify what another order of sums rounds; how much
    # of it the first pass still shows depends on the processor
    assert np.allclose(first["misfit"], alone["misfit"], rtol=1e-2)
    assert first["misfit"][-1] == pytest.approx(alone["misfit"][-1], rel=1e-3)
    assert abs(spearmanr(first["z"][:, 0], alone["z"][:, 0]).statistic) > 0.95


# ----- what can be asked -----


def test_what_a_field_has_no_use_for_is_refused(made, capsys):
    for words, complaint in (
        (("--rigidity", 2), "rigidity: means nothing to the field decoder"),
        (("--start", "modes"), "start: means nothing to the field decoder"),
        (("--halves",), "halves: means nothing to the field decoder"),
        (("--freeze-latents",), "freeze_latents: needs latents to keep; give --initial-latents."),
    ):
        assert flexrec(made, *TRAIN, *words) != 0
        assert complaint in capsys.readouterr().err
    with pytest.raises(InputError, match="even number of pixels, not 41; run prep with --crop 40"):
        FieldDecoder().levels(41, 4.0, 100, 2, None, 0.95, 64)


def test_what_each_layer_of_the_network_puts_out_is_told(made):
    assert flexrec(made, "diagnose", "activations", "--model", "004-train", "--device", "cpu") == 0
    layers = read_finding(sorted(made.glob("*-diagnose"))[-1], "activations").numbers
    network = open_model(made / "004-train").network
    assert len(layers) == len(network.matrices) and all(each["spread"] > 0 for each in layers.values())
