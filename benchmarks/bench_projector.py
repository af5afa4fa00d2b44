"""Speed of the projector's inner loop: images per second of `splat`, with and without gradients, for each backend.

A ball that fills 4 % of the box, meshed into tetrahedra of about ten voxels and bent a little differently in each
image, is splatted on the oversampled grid from random directions. Every number is the median of five runs, after one
that compiles; all backends run in one process, and the first image of each is held against the reference.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from chimerax.flexrec.engine.projector.mesh_projector import OVERSAMPLING, VoxelCloud
from chimerax.flexrec.engine.projector.splat import splat
from chimerax.flexrec.mesh import build_mesh
from scipy.spatial.transform import Rotation

COARSENESS = {64: 12, 128: 25, 256: 50}  # cells along the box, for about ten voxels in a cell
PASSES = {"forward": (), "+density": (0,), "+affine": (1,), "+both": (0, 1)}
BATCH = {"torch": 16, "numba": 64, "triton": 256}  # images
REPEATS = 5


def main() -> None:
    """Print a table with one line per box and backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128], choices=sorted(COARSENESS))
    parser.add_argument("--images", type=int, help=f"images in a batch (default: {BATCH})")
    parser.add_argument("--threads", type=int, help="threads of torch and numba on the CPU (default: all)")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {gpu_name()}")
    print(f"{'box':>4} {'voxels':>7} {'cells':>6} {'images/s of':<13}" + "".join(f"{name:>11}" for name in PASSES))
    for box in arguments.boxes:
        for backend, device in backends():
            count = arguments.images or BATCH[backend]
            cloud, density, affine = workload(box, count, device)
            check(cloud, density, affine, box, backend)
            rates = [rate(cloud, density, affine, box, backend, wanted) for wanted in PASSES.values()]
            head = f"{box:4d} {len(cloud):7d} {len(cloud.cells):6d} {f'{backend} {device}':<13}"
            print(head + "".join(f"{value:11.0f}" for value in rates), flush=True)


def set_threads(threads: int | None) -> None:
    """The same number of threads for both CPU backends."""
    if threads:
        import numba

        torch.set_num_threads(threads)
        numba.set_num_threads(threads)


def gpu_name() -> str:
    """The GPU, in words."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA: triton is not measured"


def backends() -> list[tuple[str, str]]:
    """What can run here: backend and device."""
    on_gpu = [("torch", "cuda"), ("triton", "cuda")] if torch.cuda.is_available() else []
    return [("torch", "cpu"), ("numba", "cpu"), *on_gpu]


def workload(box: int, count: int, device: str) -> tuple[VoxelCloud, torch.Tensor, torch.Tensor]:
    """The cloud, a density ``(n,)`` and affines ``(b, c, 2, 4)`` of ``count`` bent copies seen from all around."""
    pixel_size = 3.0
    z, y, x = np.indices((box,) * 3) - box // 2
    mask = x**2 + y**2 + z**2 <= (0.04 * 0.75 / np.pi) ** (2 / 3) * box**2
    mesh = build_mesh(mask, pixel_size, coarseness=COARSENESS[box])
    cloud = VoxelCloud.from_mesh(mesh, mesh.voxel_cell, pixel_size).to(device)
    generator = torch.Generator().manual_seed(0)
    density = torch.rand(len(cloud), generator=generator)
    rest = torch.from_numpy(mesh.vertices)
    bend = torch.randn(count, 3, 3, generator=generator) * 0.1 / rest.abs().max()
    vertices = rest + torch.einsum("bij,vj,vi->bvi", bend, rest, rest)
    rotations = torch.from_numpy(Rotation.random(count, random_state=0).as_matrix()).float()
    affine = cloud.affines(vertices.to(device), rotations.to(device), box)
    return cloud, density.to(device), affine


def check(cloud: VoxelCloud, density: torch.Tensor, affine: torch.Tensor, box: int, backend: str) -> None:
    """Raise where a backend's first image is not the reference's."""
    images = [
        splat(density, cloud.points, cloud.offsets, affine[:1], OVERSAMPLING * box, name) for name in ("torch", backend)
    ]
    torch.testing.assert_close(images[1], images[0], rtol=1e-3, atol=1e-4 * images[0].max().item())


def rate(
    cloud: VoxelCloud, density: torch.Tensor, affine: torch.Tensor, box: int, backend: str, wanted: tuple[int, ...]
) -> float:
    """Images per second, forward and, where gradients are ``wanted`` (0 density, 1 affine), backward."""
    leaves = [tensor.detach().requires_grad_(place in wanted) for place, tensor in enumerate((density, affine))]
    weights = torch.rand(len(affine), OVERSAMPLING * box, OVERSAMPLING * box, device=affine.device)
    times = []
    for _ in range(REPEATS + 1):
        synchronise(affine)
        began = time.perf_counter()
        images = splat(leaves[0], cloud.points, cloud.offsets, leaves[1], OVERSAMPLING * box, backend)
        if wanted:
            torch.autograd.grad(images, [leaves[place] for place in wanted], weights)
        synchronise(affine)
        times.append(time.perf_counter() - began)
    return len(affine) / statistics.median(times[1:])


def synchronise(tensor: torch.Tensor) -> None:
    """Wait for the GPU, where there is one."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)


if __name__ == "__main__":
    main()
