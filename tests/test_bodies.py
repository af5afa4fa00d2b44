"""Bodies: parts that move as rigid bodies, their first-order motions, their poses in RELION's convention."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.bodies.bodies_decoder import BodiesDecoder
from chimerax.flexrec.engine.decoders.bodies.body_motions import body_motion_basis
from chimerax.flexrec.engine.decoders.bodies.rigid_bodies import RigidBodies, rotation_by
from chimerax.flexrec.engine.decoders.flow.rigidity import rigidity_energy
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.checkpoint import load_resume, save_resume
from chimerax.flexrec.engine.training.schedule import ResolutionLevel
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training, run_training
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.train.train_parts import DECODERS
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.mesh.shape import edge_inverse
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.bodies.bodies_model import BodyArrays
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.prepared import load_prepared
from mesh_shapes import voxel_grid
from test_train import flexrec, make_project, truth
from trained_models import PIXEL, two_blobs, two_part_mesh

pytestmark = pytest.mark.blank_pictures()


def three_part_mesh():
    """Parts 0 and 1 as in `two_part_mesh`, and part 2 beyond part 1."""
    mask = two_blobs() != 0
    x = voxel_grid(len(mask))[0]
    labels = np.where(mask, (x > -2).astype(int) + (x > 5), -1)
    return build_mesh(mask, PIXEL, 8, labels, ((0, 1), (1, 2)))


def random_bodies(mesh, dims: int = 2, motion: float = 0.6, seed: int = 0) -> RigidBodies:
    torch.manual_seed(seed)
    mass = np.linspace(1, 2, len(mesh.vertices))
    bodies = RigidBodies(body_motion_basis(mesh, mass), dims, 12, 2)
    with torch.no_grad():
        for weight in (bodies.linear.weight, bodies.network[-1].weight):
            weight.normal_(0, motion)
    return bodies


@pytest.mark.parametrize("make", [lambda: two_part_mesh(two_blobs()), three_part_mesh])
def test_the_modes_are_what_bodies_do_to_first_order(make):
    mesh = make()
    bodies = random_bodies(mesh).double()
    count = bodies.modes.shape[1]
    assert count == 6 * mesh.parts and bodies.moving == ()
    step = 1e-5
    at_rest = bodies.place(torch.zeros(1, count, dtype=torch.double))
    assert torch.allclose(at_rest[0], bodies.vertices, atol=1e-6)
    slopes = (bodies.place(step * torch.eye(count, dtype=torch.double)) - at_rest) / step
    wanted = bodies.modes.T.reshape(count, -1, 3)
    assert torch.allclose(slopes, wanted, atol=2e-3 * float(wanted.abs().max()))


def test_bodies_do_not_bend_and_what_hangs_on_one_goes_with_it():
    mesh = three_part_mesh()
    bodies = random_bodies(mesh, motion=1.5)
    z = torch.randn(5, 2)
    moved = bodies(z)
    apart = (moved - bodies.vertices).norm(dim=2).max()
    assert apart > 10
    weights = torch.ones(len(mesh.cells)) / len(mesh.cells)
    inverse = torch.from_numpy(edge_inverse(mesh).astype(np.float32))
    cells = torch.from_numpy(mesh.cells.astype(np.int64))
    pure = (bodies.membership[cells].max(dim=2).values == 1).all(dim=1)
    strained = rigidity_energy(moved, cells, inverse, weights)
    assert strained.min() > 1e-3  # the joints are
    inside = rigidity_energy(moved, cells[pure], inverse[pure], weights[pure])
    assert inside.max() < 1e-8
    turns, slides = bodies.bodies(bodies.coefficients(z))
    for part in range(mesh.parts):
        own = bodies.membership[:, part] == 1
        wanted = bodies.vertices[own] @ turns[:, part].transpose(1, 2) + slides[:, part, None]
        assert torch.allclose(moved[:, own], wanted, atol=1e-3)
    # part 2 alone turned: the others stay; part 1 turned: 2 goes along
    numbers = torch.zeros(2, 18)
    numbers[0, 12:], numbers[1, 6:12] = 3, 3
    turns, _ = bodies.bodies(numbers)
    eye = torch.eye(3)
    assert torch.allclose(turns[0, :2], eye.expand(2, 3, 3), atol=1e-6) and not torch.allclose(turns[0, 2], eye)
    assert torch.allclose(turns[1, 1], turns[1, 2]) and torch.allclose(turns[1, 0], eye, atol=1e-6)


def test_a_turn_by_a_vector_is_the_exponential_map_and_smooth_at_zero():
    vectors = torch.tensor([[0.3, -1.2, 0.5], [0, 0, 3.0], [1e-4, 0, 0]], dtype=torch.double)
    x, y, z = vectors.T
    zero = torch.zeros(3, dtype=torch.double)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(3, 3, 3)
    assert torch.allclose(rotation_by(vectors), torch.linalg.matrix_exp(cross), atol=1e-9)
    at_rest = torch.zeros(3, dtype=torch.double, requires_grad=True)
    rotation_by(at_rest)[1, 0].backward()
    assert torch.allclose(at_rest.grad, torch.tensor([0, 0, 1.0], dtype=torch.double))


def test_numpy_moves_bodies_as_torch_does():
    bodies = random_bodies(three_part_mesh())
    state = {name: value.numpy() for name, value in bodies.state_dict().items()}
    arrays = BodyArrays.from_state({**state, "parent": np.array(bodies.parent), "order": np.array(bodies.order)})
    z = torch.randn(7, 2)
    with torch.no_grad():
        assert np.allclose(arrays.moved(z.numpy()), bodies(z).numpy(), atol=2e-4)
    assert arrays.moved(z.numpy()).dtype == np.float32


# ----- trained -----


TRAIN = ("train", "--decoder", "bodies", "--latent-dims", 1, "--epochs", 3, "--batch-size", 32)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("bodies") / "project", "fab1: ±25", 200, 3)
    assert flexrec(project, *TRAIN, "--device", "cpu") == 0
    return project


def test_bodies_learn_a_hinge_and_open(project):
    from scipy.stats import spearmanr

    model = open_model(project / "004-train")
    assert model.kind == "bodies" and model.moving is model and model.mesh.parts > 1
    assert abs(spearmanr(model.latents[:, 0], truth(project)).statistic) > 0.9
    ends = [model.decode([z]) for z in (-1.5, 1.5)]
    assert np.linalg.norm(ends[1] - ends[0]) > 0.2 * np.linalg.norm(ends[0])
    masks = np.stack([read_map(path)[0] for path in sorted((project / "004-train").glob("body_*_mask.mrc"))])
    assert len(masks) == model.mesh.parts
    assert np.allclose(masks.sum(axis=0)[model.volume != 0], 1, atol=1e-3)


def trained(project) -> tuple[Trainer, Training]:
    prepared = load_prepared(project / "002-prep")
    folder = project / "004-train"
    decoder = BodiesDecoder(DECODERS["bodies"].parameters())
    images = ParticleImages(prepared.particles, prepared.filter)
    trainer = Trainer(images, load_mesh(folder / "mesh.npz"), Settings(latent_dims=1), (ResolutionLevel(32, 3, 0.95),),
                      log=lambda line: None)  # fmt: skip
    training = Training(decoder, LatentTable())
    load_resume(folder / "resume.safetensors", trainer, training)
    return trainer, training


@pytest.mark.parametrize("corrected", [False, True])
def test_a_body_projected_in_its_own_pose_is_the_models_image_of_it(project, corrected):
    trainer, training = trained(project)
    decoder, points = training.decoder, training.points
    if corrected:
        torch.manual_seed(4)
        poses = trainer.poses
        poses.correction, poses.radius = 4 * torch.randn(poses.correction.shape), 60.0
        poses.variance, poses.centre = torch.full((2,), 16.0), torch.tensor([5.0, -8.0, 12.0])
    stage = decoder.enter(trainer, ResolutionLevel(32, 3, 0.95), points)
    files = decoder.particle_files(trainer, points)
    assert sorted(files) == [f"body_{part + 1}" for part in range(trainer.mesh.parts)]
    rows = np.arange(12)
    batch = next(iter(stage.batches(rows)))
    corner = decoder.flow.membership[stage.cloud.cells]  # (c, 4, p)
    moved = 0.0
    for part in range(trainer.mesh.parts):
        own = files[f"body_{part + 1}"]
        pure = (corner[:, :, part] == 1).all(dim=1)
        body = stage.with_density(stage.density * torch.repeat_interleave(pure.float(), stage.cloud.offsets.diff()))
        with torch.no_grad():
            model = body.forward(batch, decoder.flow(points.z[rows]))
            # the same images in the body's poses, and the molecule at rest
            static = body.forward(ParticleImages(own, trainer.images.whitening).batch(rows, stage.box), trainer.rest)
            # those images are centred by other shifts; the difference is taken back
            by = torch.from_numpy((own.shift[rows] - trainer.images.particles.shift[rows]).astype(np.float32))
            again = static * factor(-by / stage.cloud.pixel_size, stage.box)
        moved = max(moved, float(by.abs().max()))
        error = float((again - model).norm() / model.norm())
        assert error < 0.01 and float((static - model).norm() / model.norm()) > 10 * error
    assert moved > 1


def test_the_files_of_the_bodies_are_their_poses_at_the_end(project):
    trainer, training = trained(project)
    for name, own in training.decoder.particle_files(trainer, training.points).items():
        written = read_particles(project / "004-train" / f"{name}.star")
        assert np.allclose(written.rotation, own.rotation, atol=1e-6)
        assert np.allclose(written.shift, own.shift, atol=1e-4)
        assert np.allclose(np.linalg.det(written.rotation), 1)


def factor(shift: torch.Tensor, box: int) -> torch.Tensor:
    """Factors that move images by ``shift`` ``(b, 2)`` pixels, written out: exp(−2πi k·s)."""
    kx, ky = torch.fft.rfftfreq(box), torch.fft.fftfreq(box)
    return torch.exp(-2j * np.pi * (shift[:, 0, None, None] * kx + shift[:, 1, None, None] * ky[:, None]))


def test_training_goes_on_from_its_checkpoint_to_the_same_numbers(project, tmp_path):
    """From the checkpoint after the first of three passes, which a kill between two passes leaves."""
    first = tmp_path / "first.safetensors"

    def save(training, stage):
        if training.epoch == 1:
            save_resume(JobRun(tmp_path).output, trainer, training)
            (tmp_path / "resume.safetensors").rename(first)

    trainer, unbroken = fresh(project)
    unbroken.begin(trainer)
    run_training(trainer, unbroken, save)
    trainer, again = fresh(project)
    load_resume(first, trainer, again)
    assert again.epoch == 1 and not torch.equal(again.points.z, unbroken.points.z)
    run_training(trainer, again, lambda training, stage: None)
    assert torch.equal(again.points.z, unbroken.points.z)
    assert torch.equal(again.decoder.maps.first, unbroken.decoder.maps.first)


def fresh(project) -> tuple[Trainer, Training]:
    prepared = load_prepared(project / "002-prep")
    images = ParticleImages(prepared.particles, prepared.filter)
    trainer = Trainer(images, load_mesh(project / "003-mesh" / "mesh.npz"), Settings(latent_dims=1, batch_size=32),
                      (ResolutionLevel(32, 3, 0.95),), log=lambda line: None)  # fmt: skip
    return trainer, Training(BodiesDecoder(), LatentTable())


def test_a_team_learns_what_one_process_does(project):
    assert flexrec(project, *TRAIN, "--devices", "cpu,cpu") == 0
    one, two = (open_model(job) for job in (project / "004-train", max(project.glob("*-train"))))
    assert np.corrcoef(one.latents[:, 0], two.latents[:, 0])[0, 1] > 0.999
    assert np.linalg.norm(one.volume - two.volume) < 0.02 * np.linalg.norm(one.volume)


def test_a_mesh_of_one_part_is_refused(project, capsys):
    consensus = project / "001-simulate" / "consensus.mrc"
    assert flexrec(project, "mesh", "--consensus", consensus, "--coarseness", 10, "--parts", 1) == 0
    plain = max(project.glob("*-mesh"))
    assert flexrec(project, "train", "--decoder", "bodies", "--mesh", plain, "--device", "cpu") != 0
    assert "no bodies to move against each other" in capsys.readouterr().err
