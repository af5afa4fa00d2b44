"""The splat on a GPU agrees with the reference, and its kernels become machine code.

Where CUDA is present the kernels run there. Everywhere else `test_kernels_in_the_interpreter` runs this file again in
Triton's interpreter, which has to be asked for before Triton is imported.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

triton = pytest.importorskip("triton", reason="Triton is not installed (it comes with torch for NVIDIA GPUs)")

from chimerax.flexrec.engine.projector import splat_triton  # noqa: E402
from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud, project  # noqa: E402
from chimerax.flexrec.engine.projector.splat import gather, splat  # noqa: E402
from chimerax.flexrec.mesh import build_mesh  # noqa: E402

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
SIZE = 20
TOLERANCE = {torch.float32: dict(rtol=1e-4, atol=2e-5), torch.float64: dict(rtol=1e-10, atol=1e-11)}


@pytest.fixture
def device() -> str:
    """Where the kernels run: in the interpreter, or on a GPU."""
    if not INTERPRETED and not torch.cuda.is_available():
        pytest.skip("no CUDA here; test_kernels_in_the_interpreter runs this test in Triton's interpreter")
    return "cpu" if INTERPRETED else "cuda"


@pytest.mark.skipif(INTERPRETED, reason="this is the interpreter")
@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels run on the GPU that is here")
def test_kernels_in_the_interpreter():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not interpreter and not gpu"]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run([*command, str(Path(__file__))], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout and "skipped" not in done.stdout, done.stdout


@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
@pytest.mark.parametrize("float_type", ["fp32", "fp64"])
@pytest.mark.parametrize("capability", [80, 90])
def test_kernels_become_machine_code_for_a_gpu(capability, float_type):
    integers = dict.fromkeys(("n", "groups", "count", "size", "splits", "blocks"), "i32")
    types = integers | {"group": "*i32", "offsets": "*i64"}
    shapes = {"_forward": {"BLOCK": 64}, "_gather": {"BLOCK": 64}, "_backward_affine": {"GROUPS": 2, "POINTS": 16}}
    for name, constants in ((name, shape | {"ROWS": rows}) for name, shape in shapes.items() for rows in (2, 3)):
        kernel = getattr(splat_triton, name)
        names = [argument for argument in kernel.arg_names if argument not in constants]
        signature = {argument: types.get(argument, f"*{float_type}") for argument in names}
        signature |= dict.fromkeys(constants, "constexpr")
        source = triton.compiler.ASTSource(fn=kernel, signature=signature, constexprs=constants)
        target = triton.backends.compiler.GPUTarget("cuda", capability, 32)
        compiled = triton.compile(source, target=target, options={"num_warps": 2, "enable_fp_fusion": True})
        assert len(compiled.asm["cubin"]) > 0
        # what adds to memory does so without waiting for the old value, and nothing but the forward pass does
        adding = set(re.findall(r"\b(RED|ATOM)G?\b", compiled.asm["sass"]))
        assert adding == ({"RED"} if name == "_forward" else set())


def scene(
    device: str, dtype: torch.dtype = torch.float64, images: int = 3, sizes=(0, 5, 0, 2, 63, 20, 0), rows: int = 2
):
    """Groups of points of the given sizes, some points outside the image; an affine per image and group."""
    generator = torch.Generator().manual_seed(1)
    count, groups = sum(sizes), len(sizes)
    points = (torch.rand(count, 3, generator=generator, dtype=dtype) - 0.5) * SIZE
    offsets = torch.tensor([0, *sizes]).cumsum(0)
    density = torch.rand(count, generator=generator, dtype=dtype) + 0.1
    affine = torch.randn(images, groups, rows, 4, generator=generator, dtype=dtype) * 0.4
    affine[..., :2, 3] = SIZE / 2 + torch.randn(images, groups, 2, generator=generator, dtype=dtype)
    return tuple(tensor.to(device) for tensor in (density, points, offsets, affine))


def images_and_gradients(backend, density, points, offsets, affine, size=SIZE):
    """Images, both gradients for a fixed weighting of the images, and the gather of that weighting."""
    density, affine = density.clone().requires_grad_(), affine.clone().requires_grad_()
    images = splat(density, points, offsets, affine, size, backend)
    probe = torch.sin(torch.arange(images.numel(), dtype=images.dtype, device=images.device)).view_as(images)
    (images * probe).sum().backward()
    read = gather(probe, points, offsets, affine.detach(), backend)
    return images.detach(), density.grad, affine.grad, read


def assert_backends_agree(density, points, offsets, affine, size=SIZE):
    reference = images_and_gradients("torch", density, points, offsets, affine, size)
    kernels = images_and_gradients("triton", density, points, offsets, affine, size)
    for expected, ours in zip(reference, kernels, strict=True):
        torch.testing.assert_close(ours, expected, **TOLERANCE[density.dtype])
    return kernels


@pytest.mark.parametrize("rows", [2, 3], ids=["all mass", "a share of it"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_reference(device, dtype, rows):
    images, *gradients = assert_backends_agree(*scene(device, dtype, rows=rows))
    assert images.dtype == dtype and images.abs().max() > 0.1
    assert all(gradient.abs().max() > 0.1 for gradient in gradients)


@pytest.mark.parametrize("sizes", [(1,), (2, 3, 1, 2, 0, 4, 3, 1, 1), (150,), (0, 140, 1)], ids=str)
def test_equals_the_reference_for_groups_of_any_size(device, sizes):
    assert_backends_agree(*scene(device, images=2, sizes=sizes))


def test_splitting_the_images_of_a_gather_changes_nothing(device, monkeypatch):
    density, points, offsets, affine = scene(device, images=5)
    expected = images_and_gradients("torch", density, points, offsets, affine)[1]
    for programs in (1, 4, 100):  # with two blocks of points: one split, two uneven ones, one for each image
        monkeypatch.setattr(splat_triton, "PROGRAMS", programs)
        ours = images_and_gradients("triton", density, points, offsets, affine)[1]
        torch.testing.assert_close(ours, expected, **TOLERANCE[torch.float64])


def test_gradients_are_exact(device):
    density, points, offsets, affine = scene(device, images=2, sizes=(3, 0, 5))
    images = splat(density, points, offsets, affine, SIZE, "triton")
    probe = torch.sin(torch.arange(images.numel(), dtype=torch.float64, device=device)).view_as(images)
    torch.autograd.gradcheck(
        lambda d, a: (splat(d, points, offsets, a, SIZE, "triton") * probe).sum(),
        (density.requires_grad_(), affine.requires_grad_()),
        atol=1e-6,
    )


def test_gather_is_the_adjoint(device):
    density, points, offsets, affine = scene(device)
    images = torch.randn(len(affine), SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    images = images.to(device)
    there = (splat(density, points, offsets, affine, SIZE, "triton") * images).sum()
    torch.testing.assert_close(there, density @ gather(images, points, offsets, affine, "triton"))


@pytest.mark.parametrize("along", [0, 1])
def test_a_footprint_that_crosses_the_border_adds_nothing(device, along):
    position = torch.tensor([-1e9, 0.5, 0.999, 1.0, 5.0, SIZE - 2.001, SIZE - 2, SIZE - 0.5, 1e9, float("nan")])
    points = torch.full((len(position), 3), 8.0, dtype=torch.float64)
    points[:, along] = position
    density = torch.arange(1.0, len(position) + 1, dtype=torch.float64)
    affine = torch.eye(2, 4, dtype=torch.float64)[None, None]
    offsets = torch.tensor([0, len(position)])
    points[-1] = 8.0
    images, d_density, _, _ = assert_backends_agree(*(t.to(device) for t in (density, points, offsets, affine)))
    assert (d_density != 0).tolist() == [False, False, False, True, True, True, False, False, False, True]
    assert images.sum().item() == pytest.approx(4 + 5 + 6 + 10)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_no_number_stays_outside(device):
    density, points, offsets, affine = scene(device)
    affine[0, 4] = float("nan")
    affine[1, 4] = float("inf")
    images, d_density, _, _ = images_and_gradients("triton", density, points, offsets, affine)
    assert images.isfinite().all() and d_density.isfinite().all()


@pytest.mark.parametrize(("images", "sizes"), [(0, (3, 2)), (2, (0, 0)), (2, ())])
def test_nothing_to_splat(device, images, sizes):
    density, points, offsets, affine = scene(device, images=images, sizes=sizes)
    made, d_density, d_affine, read = images_and_gradients("triton", density, points, offsets, affine)
    assert made.shape == (images, SIZE, SIZE) and not made.any()
    assert d_density.shape == read.shape == density.shape and not d_density.any() and not read.any()
    assert d_affine.shape == affine.shape and not d_affine.any()


def test_strided_tensors(device):
    density, points, offsets, affine = scene(device)
    points = points.T.contiguous().T
    affine = affine.transpose(0, 1).contiguous().transpose(0, 1)
    density = torch.stack([density, density], dim=1)[:, 0]
    assert_backends_agree(density, points, offsets, affine)


def test_groups_follow_offsets_that_change(device):
    density, points, offsets, affine = scene(device, sizes=(10, 20, 30))
    assert_backends_agree(density, points, offsets, affine)
    offsets[1] = 15
    assert_backends_agree(density, points, offsets, affine)


def test_only_the_gradient_that_is_asked_for(device):
    density, points, offsets, affine = scene(device)
    both = images_and_gradients("triton", density, points, offsets, affine)
    probe = torch.sin(torch.arange(both[0].numel(), dtype=torch.float64, device=device)).view_as(both[0])
    for wanted, expected in ((density, both[1]), (affine, both[2])):
        wanted.requires_grad_()
        (splat(density, points, offsets, affine, SIZE, "triton") * probe).sum().backward()
        torch.testing.assert_close(wanted.grad, expected, rtol=0, atol=0)
        wanted.requires_grad_(False)
    assert not splat(density, points, offsets, affine, SIZE, "triton").requires_grad


def test_a_second_derivative_is_refused(device):
    density, points, offsets, affine = scene(device, sizes=(4,), images=1)
    image = splat(density, points, offsets, affine.requires_grad_(), SIZE, "triton")
    (slope,) = torch.autograd.grad(image.square().sum(), affine, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_mixed_types_are_refused(device):
    density, points, offsets, affine = scene(device)
    with pytest.raises(ValueError, match="one type on one device"):
        splat(density, points.float(), offsets, affine, SIZE, "triton")
    with pytest.raises(ValueError, match="float32 or float64"):
        splat(density.half(), points.half(), offsets, affine.half(), SIZE, "triton")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_gpu_gradients_repeat_to_the_last_bit():
    density, points, offsets, affine = scene("cuda", torch.float32, images=40, sizes=(40,) * 200)
    first, second = (images_and_gradients("triton", density, points, offsets, affine) for _ in range(2))
    torch.testing.assert_close(first[0], second[0], **TOLERANCE[torch.float32])
    assert all(torch.equal(one, other) for one, other in zip(first[1:], second[1:], strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_gpu_projection_equals_the_cpu():
    box, pixel_size = 32, 3.0
    z, y, x = np.indices((box,) * 3) - box // 2
    mesh = build_mesh(x**2 + y**2 + z**2 <= 10**2, pixel_size, coarseness=8)
    rotations = torch.from_numpy(Rotation.random(4, random_state=2).as_matrix()).float()
    results = []
    for device in ("cpu", "cuda"):
        cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, pixel_size).to(device)
        density = torch.linspace(0.5, 1.5, len(cloud), device=device).requires_grad_()
        vertices = torch.from_numpy(mesh.vertices).to(device).requires_grad_()
        image = project(cloud, density, cloud.affines(vertices, rotations.to(device), box), box)
        image.abs().square().mean().backward()
        results.append([tensor.detach().cpu() for tensor in (image, density.grad, vertices.grad)])
    for cpu, gpu in zip(*results, strict=True):
        torch.testing.assert_close(gpu, cpu, rtol=1e-3, atol=1e-4 * cpu.abs().max().item())
