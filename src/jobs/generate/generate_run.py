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
from ...models.interface import DecodeOptions
from ...models.latent_points import Series
from ...models.support import Support
from ...particles.resample import resample_box
from ..declare import refuse_without_use
from ..job_folder import JobRun
from .generate_parameters import GENERATE, GenerateParameters, without_use
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


def run(parameters: GenerateParameters, job: JobRun) -> None:
    """Write map_000.mrc …, z.npz, z.csv and series.png."""
    model = open_model(parameters.model)
    job.log(
        f"Model {model.progress}: {len(model.latents)} particles, {model.latent_dims} latent "
        f"dimension(s), map of {model.box} voxels of {model.pixel_size:.4g} Å."
    )
    model = model if model.finite.all() else model.of_particles(model.finite)  # a half model has not placed the others
    decoding = _with_map(parameters, model, job)
    refuse_without_use(GENERATE, parameters, without_use(vars(parameters)))
    plan = _plan(requested_series(parameters, model), model)
    _warn(plan, job)
    _forget_other_maps(job.folder, plan, decoding)
    _write_points(plan, decoding, job)
    if _write_maps(plan, decoding, parameters.threads, job):
        with job.output("series.png") as path:
            draw_series(path, plan.series, _maps_of(job.folder, plan), decoding.pixel_size, model.latents, plan.outside)


def _with_map(parameters: GenerateParameters, model: Model, job: JobRun) -> Model:
    """The model, or, where another map was given, that map moved as it moves its own."""
    if model.moving is None:
        for name in ("map", "map_pixel_size", "keep_outside"):
            if getattr(parameters, name):
                raise InputError(f"{name}: means nothing to a {model.kind} model, which moves no map; leave it out.")
    if model.moving is None or parameters.map is None:
        return model
    volume, pixel_size = read_map(parameters.map, parameters.map_pixel_size, "--map-pixel-size")
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
    return model.moving.with_map(volume, wanted / volume.shape[0], parameters.keep_outside)


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


def _forget_other_maps(folder: Path, plan: _Plan, decoding: Model) -> None:
    """When the job goes on, keep its maps only if they are of the same points, epoch and grid."""
    try:
        with np.load(folder / "z.npz", allow_pickle=False) as file:
            same = (
                int(file["epoch"]) == decoding.checkpoint
                and int(file["box"]) == decoding.box
                and np.array_equal(file["z"], plan.z)
            )
    except (OSError, ValueError, KeyError):
        same = False
    if not same:
        for path in folder.glob("map_*.mrc"):
            path.unlink()


def _write_points(plan: _Plan, decoding: Model, job: JobRun) -> None:
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
            epoch=np.int64(decoding.checkpoint),
            box=np.int64(decoding.box),
        )
    with job.output("z.csv") as path, open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        axes = [f"z{k + 1}" for k in range(decoding.latent_dims)]
        table.writerow(["map", "series", *axes, "distance", "outside"])
        for i, name in enumerate(plan.names):
            far = "yes" if plan.outside[i] else "no"
            table.writerow([name, plan.series[number[i]].name, *map(str, plan.z[i]), f"{plan.distance[i]:.4g}", far])


def _write_maps(plan: _Plan, decoding: Model, threads: int | None, job: JobRun) -> bool:
    """One decode per map that is not there yet; whether all were made."""
    start, change_of, how = 0, _change_of(decoding), DecodeOptions(threads=threads, oversampling=OVERSAMPLING)
    for one in plan.series:
        for i in range(start, start + len(one.z)):
            if job.stop_requested():
                return False
            if not (job.folder / plan.names[i]).exists():
                with job.output(plan.names[i]) as path:
                    write_map(path, decoding.decode(plan.z[i], how), decoding.pixel_size, decoding.centre)
            job.progress(i + 1, len(plan.z))
        start += len(one.z)
        if len(one.z) > 1:
            job.log(f"Series {one.name}: {len(one.z)} maps; from first to last {change_of(one.z)}.")
    return True


def _change_of(model: Model) -> Callable[[np.ndarray], str]:
    """A function that says in words how much changes from the first to the last of some points ``(m, K)``."""
    moving = model.moving
    if moving is None:
        size = max(float(np.linalg.norm(model.volume)), 1e-30)

        def variation(z: np.ndarray) -> str:
            change = np.linalg.norm(model.decode(z[-1]) - model.decode(z[0]))
            return f"the map changes by {100 * change / size:.1f} %, r.m.s"

        return variation
    mass = moving.mass

    def motion(z: np.ndarray) -> str:
        ends = moving.vertices(z[[0, -1]])
        distance = np.linalg.norm(ends[1] - ends[0], axis=1)
        return f"its mass moves {np.sqrt(mass @ distance**2):.1f} Å r.m.s., {distance[mass > 0].max():.1f} Å at most"

    return motion


def _maps_of(folder: Path, plan: _Plan) -> Callable[[int], np.ndarray]:
    """A function that reads map ``i``."""

    def read(i: int) -> np.ndarray:
        return read_map(folder / plan.names[i])[0]

    return read
