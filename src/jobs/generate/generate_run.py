"""The ``generate`` job: what it does."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...figures.generate_figure import draw_series
from ...mesh.map_files import read_map, write_map
from ...models import Model, open_model
from ...models.flow.flow_model import FlowModel
from ...models.flow.map_decoder import Decoder
from ...models.latent_points import Series
from ...models.linear.linear_model import LinearModel
from ...models.motion import vertex_mass
from ...models.support import Support
from ...particles.resample import resample_box
from ..job_folder import JobRun
from .generate_parameters import GenerateParameters
from .generate_points import requested_series

OVERSAMPLING = 2  # these maps are kept and measured: they should be right up to Nyquist
ALIKE = 0.5  # correlation with the model's map below which a given map is probably not in the same frame


@dataclass(frozen=True)
class _Plan:
    """What will be made: point ``i`` of ``z`` ``(m, K)`` becomes ``names[i]``; ``outside`` ``(m,)``: none near."""

    series: tuple[Series, ...]
    z: np.ndarray
    names: tuple[str, ...]
    distance: np.ndarray
    outside: np.ndarray


@dataclass(frozen=True)
class _Maker:
    """What makes the maps: of ``box`` voxels of ``pixel_size`` Å, ``volume_at(z)`` for a latent point ``(K,)``."""

    box: int
    pixel_size: float
    volume_at: Callable[[np.ndarray], np.ndarray]


def run(parameters: GenerateParameters, job: JobRun) -> None:
    """Write map_000.mrc …, z.npz, z.csv and series.png."""
    model = open_model(parameters.model)
    job.log(
        f"Model of epoch {model.epoch} of {model.epochs}: {len(model.latents)} particles, {model.latent_dims} latent "
        f"dimension(s), map of {model.box} voxels of {model.pixel_size:.4g} Å."
    )
    maker = _maker(parameters, model, job)
    plan = _plan(requested_series(parameters, model), model)
    _warn(plan, job)
    _forget_other_maps(job.folder, plan, model, maker)
    _write_points(plan, model, maker, job)
    if _write_maps(plan, model, maker, job):
        with job.output("series.png") as path:
            draw_series(path, plan.series, _maps_of(job.folder, plan), maker.pixel_size, model.latents, plan.outside)


def _maker(parameters: GenerateParameters, model: FlowModel | LinearModel, job: JobRun) -> _Maker:
    """Of the model's own map, or of the one that was given."""
    if not model.moves:
        for name in ("map", "map_pixel_size", "keep_outside"):
            if getattr(parameters, name):
                raise InputError(f"{name}: means nothing to a {model.kind} model, which moves no map; leave it out.")
        return _Maker(model.box, model.pixel_size, model.decode)
    decoder = _decoder(parameters, model, job)

    def volume_at(z: np.ndarray) -> np.ndarray:
        return decoder.map(model.vertices(z), threads=parameters.threads, oversampling=OVERSAMPLING)

    return _Maker(decoder.box, decoder.pixel_size, volume_at)


def _decoder(parameters: GenerateParameters, model: FlowModel, job: JobRun) -> Decoder:
    """For the model's own map, or for the one that was given."""
    if parameters.map is None:
        return model.decoder
    volume, pixel_size = read_map(parameters.map, parameters.map_pixel_size)
    width, wanted = volume.shape[0] * pixel_size, model.box * model.pixel_size
    if abs(width - wanted) > 0.01 * wanted:
        raise InputError(
            f"{parameters.map}: the map's box is {width:.1f} Å wide and the model's {wanted:.1f} Å; give a map "
            "over the same field of view, or its true --map-pixel-size."
        )
    if volume.shape[0] >= model.box and model.box % 2 == 0:
        alike = _correlation(resample_box(volume, model.box), model.volume)
        if alike < ALIKE:
            job.log(
                f"Warning: {parameters.map.name} correlates by {alike:.2f} only with the model's map; is it in the "
                "same place, orientation and hand, with the molecule positive?"
            )
    # the field of view is that of the model: headers round
    return model.decoder_for(volume, wanted / volume.shape[0], parameters.keep_outside)


def _correlation(volume: np.ndarray, own: np.ndarray) -> float:
    """Correlation of two maps where the second is not zero."""
    inside = own != 0
    return float(np.corrcoef(volume[inside], own[inside])[0, 1])


def _plan(series: tuple[Series, ...], model: Model) -> _Plan:
    z = np.concatenate([one.z for one in series])
    support = Support.of(model.latents)
    digits = max(3, len(str(len(z) - 1)))
    names = tuple(f"map_{i:0{digits}d}.mrc" for i in range(len(z)))
    return _Plan(series, z, names, support.distance(z), support.outside(z))


def _warn(plan: _Plan, job: JobRun) -> None:
    """Say which maps no particle speaks for."""
    far = np.flatnonzero(plan.outside)
    if len(far):
        shown = ", ".join(plan.names[i] for i in far[:8]) + (", …" if len(far) > 8 else "")
        job.log(
            f"Warning: {len(far)} of {len(plan.z)} points lie where there are no particles ({shown}); these maps are "
            "extrapolated, and no data speak for them."
        )


def _forget_other_maps(folder: Path, plan: _Plan, model: Model, maker: _Maker) -> None:
    """When the job goes on, keep its maps only if they are of the same points, epoch and grid."""
    try:
        with np.load(folder / "z.npz", allow_pickle=False) as file:
            same = (
                int(file["epoch"]) == model.epoch
                and int(file["box"]) == maker.box
                and np.array_equal(file["z"], plan.z)
            )
    except (OSError, ValueError, KeyError):
        same = False
    if not same:
        for path in folder.glob("map_*.mrc"):
            path.unlink()


def _write_points(plan: _Plan, model: Model, maker: _Maker, job: JobRun) -> None:
    """z.npz for programs and z.csv for people: which point each map is at."""
    number = np.repeat(np.arange(len(plan.series)), [len(one.z) for one in plan.series])
    with job.output("z.npz") as path, open(path, "wb") as file:
        np.savez(
            file,
            z=plan.z,
            series=number,
            series_name=np.array([one.name for one in plan.series]),
            distance=plan.distance,
            outside=plan.outside,
            epoch=np.int64(model.epoch),
            box=np.int64(maker.box),
        )
    with job.output("z.csv") as path, open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        axes = [f"z{k + 1}" for k in range(model.latent_dims)]
        table.writerow(["map", "series", *axes, "distance", "outside"])
        for i, name in enumerate(plan.names):
            far = "yes" if plan.outside[i] else "no"
            table.writerow([name, plan.series[number[i]].name, *map(str, plan.z[i]), f"{plan.distance[i]:.4g}", far])


def _write_maps(plan: _Plan, model: FlowModel | LinearModel, maker: _Maker, job: JobRun) -> bool:
    """One decode per map that is not there yet; whether all were made."""
    start, change_of = 0, _change_of(model)
    for one in plan.series:
        for i in range(start, start + len(one.z)):
            if job.stop_requested():
                return False
            if not (job.folder / plan.names[i]).exists():
                with job.output(plan.names[i]) as path:
                    write_map(path, maker.volume_at(plan.z[i]), maker.pixel_size, model.centre)
            job.progress(i + 1, len(plan.z))
        start += len(one.z)
        if len(one.z) > 1:
            job.log(f"Series {one.name}: {len(one.z)} maps; from first to last {change_of(one.z)}.")
    return True


def _change_of(model: FlowModel | LinearModel) -> Callable[[np.ndarray], str]:
    """A function that says in words how much changes from the first to the last of some points ``(m, K)``."""
    if not model.moves:
        size = max(float(np.linalg.norm(model.volume)), 1e-30)

        def variation(z: np.ndarray) -> str:
            change = np.linalg.norm(np.tensordot(z[-1] - z[0], model.components, 1))
            return f"the map changes by {100 * change / size:.1f} %, r.m.s"

        return variation
    mass = vertex_mass(model)

    def motion(z: np.ndarray) -> str:
        ends = model.vertices(z[[0, -1]])
        distance = np.linalg.norm(ends[1] - ends[0], axis=1)
        return f"its mass moves {np.sqrt(mass @ distance**2):.1f} Å r.m.s., {distance[mass > 0].max():.1f} Å at most"

    return motion


def _maps_of(folder: Path, plan: _Plan) -> Callable[[int], np.ndarray]:
    """A function that reads map ``i``."""

    def read(i: int) -> np.ndarray:
        return read_map(folder / plan.names[i])[0]

    return read
