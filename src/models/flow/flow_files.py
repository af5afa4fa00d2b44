"""Read a flow model."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np

from ...mesh.storage import load_mesh
from ...mesh.tetmesh import TetMesh
from ..model_files import present, read_arrays, read_stage, unfit
from .flow_arrays import MOTION, FlowArrays
from .flow_model import FlowModel

Arrays = TypeVar("Arrays", bound=FlowArrays)


def read_flow_model(folder: Path, about: dict) -> FlowModel:
    """The flow model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together.
    """
    mesh, flow = read_moved_mesh(folder, about, FlowArrays)
    return FlowModel(mesh=mesh, flow=flow, **read_stage(folder, about))


def read_moved_mesh(folder: Path, about: dict, arrays: type[Arrays]) -> tuple[TetMesh, Arrays]:
    """The mesh of such a folder, and what moves it, read as ``arrays``."""
    mesh = load_mesh(present(folder / "mesh.npz"))
    flow = _read_flow(present(folder / "flow.npz"), about["latent_dims"], arrays)
    if flow.vertices.shape != mesh.vertices.shape:
        raise unfit(folder / "flow.npz", "moves another number of vertices than mesh.npz has")
    return mesh, flow


def _read_flow(path: Path, latent_dims: int, arrays: type[Arrays]) -> Arrays:
    try:
        flow = arrays.from_state(read_arrays(path))
    except KeyError as error:
        raise unfit(path, f"lacks {error.args[0]}") from None
    for problem, is_wrong in _problems(flow, latent_dims):
        if is_wrong:
            raise unfit(path, problem)
    return flow


def _problems(flow: FlowArrays, latent_dims: int):
    vertices, parts = len(flow.vertices), len(flow.parent)
    yield "has vertices that are not an (n, 3) array", flow.vertices.shape != (vertices, 3)
    yield "has modes of another mesh", flow.modes.ndim != 2 or len(flow.modes) != 3 * vertices
    yield (
        "has parts that do not fit",
        not (
            flow.membership.shape == (vertices, parts)
            and flow.pivot.shape == (parts, 3)
            and flow.reach.shape == flow.order.shape == (parts,)
            and sorted(flow.order.tolist()) == list(range(parts))
            and flow.parent.max(initial=-1) < parts
        ),
    )
    yield f"is not for {latent_dims} latent dimensions", flow.linear.ndim != 2 or flow.linear.shape[1] != latent_dims
    yield "has no network", not flow.layers
    widths = [latent_dims, *(weight.shape[0] for weight, _ in flow.layers)]
    yield (
        "has a network whose layers do not fit",
        any(
            weight.shape != (after, before) or bias.shape != (after,)
            for (weight, bias), before, after in zip(flow.layers, widths, widths[1:])
        ),
    )
    outputs = flow.modes.shape[1] + MOTION * len(flow.moving)
    yield "has another number of outputs than motions", not (len(flow.linear) == widths[-1] == outputs)
    arrays = (flow.vertices, flow.modes, flow.linear, *(array for layer in flow.layers for array in layer))
    yield "holds numbers that are not finite", not all(np.isfinite(array).all() for array in arrays)
