"""The rigidity prior: free for rigid motions, exact for known strains, and the same on any mesh."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow.rigidity import nearest_rotation, rigidity_energy
from chimerax.flexrec.engine.decoders.flow.soft_modes import rigidity_weights
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.mesh.shape import edge_inverse
from mesh_shapes import ball
from scipy.spatial.transform import Rotation


class Body:
    """A mesh as the prior takes it, in float64."""

    def __init__(self, mask: np.ndarray, pixel_size: float = 2.0, coarseness: int = 8) -> None:
        self.mesh = build_mesh(mask, pixel_size, coarseness)
        self.vertices = torch.from_numpy(self.mesh.vertices).double()
        self.cells = torch.from_numpy(self.mesh.cells).long()
        # the inverse of the very vertices above, so that rest is rest to rounding
        corner = self.vertices[self.cells]
        self.inverse = torch.linalg.inv((corner[:, 1:] - corner[:, :1]).transpose(1, 2))
        engine = torch.from_numpy(edge_inverse(self.mesh)).double()
        torch.testing.assert_close(self.inverse, engine, rtol=1e-3, atol=1e-5)
        self.weights = torch.from_numpy(rigidity_weights(self.mesh)).double()

    def energy(self, vertices: torch.Tensor) -> torch.Tensor:
        return rigidity_energy(vertices.reshape(-1, *self.vertices.shape), self.cells, self.inverse, self.weights)

    def moved(self, matrix: np.ndarray, shift: tuple[float, float, float] = (0, 0, 0)) -> torch.Tensor:
        return self.energy(self.vertices @ torch.from_numpy(np.asarray(matrix, float)).T + torch.tensor(shift).double())


@pytest.fixture(scope="module")
def body() -> Body:
    return Body(ball(24, 9), coarseness=6)


def test_rigid_motions_cost_nothing(body):
    for rotation in Rotation.random(12, random_state=1).as_matrix():
        assert float(body.moved(rotation, (5.0, -40.0, 12.0))) < 1e-20
    half_turn = Rotation.from_euler("x", 180, degrees=True).as_matrix()
    assert float(body.moved(half_turn)) < 1e-20


@pytest.mark.parametrize(
    ("stretch", "value"),
    [((1.3, 1, 1), 0.09), ((0.7, 1, 1), 0.09), ((1.1, 0.8, 1.2), 0.09), ((0.3, 0.3, 0.3), 1.47), ((0, 1, 1), 1.0)],
)
def test_a_stretch_costs_the_square_of_its_strains_however_it_is_turned(body, stretch, value):
    turn, frame = Rotation.random(2, random_state=2).as_matrix()
    matrix = turn @ frame @ np.diag(stretch) @ frame.T
    assert float(body.moved(matrix)) == pytest.approx(value, rel=1e-6)


def test_turning_inside_out_is_never_free(body):
    mirror = np.diag([1.0, 1.0, -1.0])
    assert float(body.moved(mirror)) == pytest.approx(4.0, rel=1e-6)
    flat = [float(body.moved(np.diag([1.0, 1.0, s]))) for s in (1.0, 0.5, 0.02, -0.02, -0.5, -1.0)]
    assert np.all(np.diff(flat) > 0), "the further through itself, the more it costs"


def test_one_inverted_cell_is_charged_by_its_weight(body):
    vertices = body.vertices.clone()
    cell = int(body.weights.argmax())
    corner, opposite = body.cells[cell, 0], body.vertices[body.cells[cell, 1:]].mean(dim=0)
    vertices[corner] += 2 * (opposite - vertices[corner])
    assert float(body.energy(vertices)) > float(body.weights[cell])


def test_nearest_rotation_is_the_polar_factor():
    matrices = torch.randn(400, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    matrices[:200] = torch.eye(3) + 0.3 * matrices[:200]
    flat = torch.diag(torch.tensor([3.0, 3.0, 0.01], dtype=torch.float64))
    matrices[200:210] = torch.from_numpy(Rotation.random(10, random_state=5).as_matrix()) @ flat
    u, size, vh = torch.linalg.svd(matrices)
    u[:, :, 2] *= torch.linalg.det(u @ vh)[:, None]
    unique = (size[:, 1] - size[:, 2]) > 0.05  # else an inverted matrix has two nearest rotations
    assert unique.sum() > 300
    found = nearest_rotation(matrices)
    torch.testing.assert_close(found[unique], (u @ vh)[unique], atol=0.05, rtol=0)
    torch.testing.assert_close(found[:200][unique[:200]], (u @ vh)[:200][unique[:200]], atol=5e-3, rtol=0)
    assert (torch.linalg.det(found) > 0.95).all()


def test_of_no_states_there_are_no_rotations():
    assert nearest_rotation(torch.zeros(0, 7, 3, 3)).shape == (0, 7, 3, 3)


def test_a_smooth_motion_costs_the_same_on_any_mesh():
    def bend(v: torch.Tensor) -> torch.Tensor:
        """Bent into an arc about z, of radius 80 Å."""
        x, y, z = v.unbind(-1)
        return torch.stack([(80 - y) * torch.sin(x / 80), 80 - (80 - y) * torch.cos(x / 80), z], dim=-1)

    bodies = [Body(ball(32, 13), coarseness=coarseness) for coarseness in (7, 14)]
    coarse, fine = (float(one.energy(bend(one.vertices))) for one in bodies)
    assert len(bodies[1].cells) > 5 * len(bodies[0].cells)
    # the coarse mesh's corners stand out further from the ball, where the bend is stronger
    assert coarse == pytest.approx(fine, rel=0.2) and fine == pytest.approx(0.023, rel=0.1)


def test_the_gradient_is_exact():
    shape = Body(ball(12, 4), coarseness=4)
    noise = torch.randn(2, *shape.vertices.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    start = (shape.vertices + 0.3 * noise).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: shape.energy(v), (start,), rtol=1e-4, atol=1e-7)


def test_rigid_cells_cost_more_and_the_weights_are_shares():
    mesh = build_mesh(ball(24, 9), 2.0, 6)
    weights = rigidity_weights(mesh)
    assert weights.sum() == pytest.approx(1) and np.allclose(weights, mesh.volumes() / mesh.volumes().sum(), rtol=1e-4)
