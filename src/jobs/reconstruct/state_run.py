"""``reconstruct --at`` and ``--path``: maps of states from the images of the particles about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...engine.maps.kernel_map import StateMap, state_map
from ...engine.maps.kernel_shells import NARROWEST, KernelShells, kernel_shells
from ...errors import InputError
from ...figures.generate_figure import draw_series
from ...figures.state_figure import draw_state
from ...mesh.map_files import read_map
from ...mesh.storage import load_mesh
from ...models.latent_points import Series, points_at
from ...models.points_file import read_points
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from .half_map_files import numbered, write_maps
from .reconstruct_halves import halves_of
from .reconstruct_parameters import MAP, ReconstructParameters
from .reconstruct_sums import SUMS, Halves, forget_sums
from .state_latents import StateLatents, state_latents
from .state_sums import StateSums, kept_states, passes, states_at_once, sum_states

RECORD, POINTS = "reconstruct.json", "z.npz"
FEWEST = 4 * NARROWEST  # particles that count
MOST_POINTS = 1000


@dataclass(frozen=True, eq=False)
class _Plan:
    """What will be made: point i of ``series`` becomes map ``names[i]``, from ``shells[i]`` of the particles."""

    prepared: Prepared
    latents: StateLatents
    series: tuple[Series, ...]
    shells: tuple[KernelShells, ...]
    numbers: tuple[str, ...]
    grades: tuple[str, ...]
    unit: str
    side: np.ndarray
    weight: np.ndarray
    centre: np.ndarray | None
    identity: str

    @property
    def z(self) -> np.ndarray:
        """All points ``(m, K)``."""
        return np.concatenate([each.z for each in self.series])


def reconstruct_states(parameters: ReconstructParameters, job: JobRun) -> None:
    """Write for each point map, half-maps, FSC and a picture, and reconstruct.json; of several, series.png and z.npz.

    The maps lie where the latents' model says, else where the mesh's consensus does, else where prep's does.
    """
    prepared = load_prepared(parameters.particles)
    mesh = None if parameters.mesh is None else load_mesh(job_file(parameters.mesh, "mesh.npz"))
    halves = halves_of(parameters, prepared, job)
    plan = _plan(parameters, prepared, prepared.centre if mesh is None else mesh.centre, halves, job)
    done = _done(plan, job)
    missing = [i for i in range(len(plan.z)) if i not in done]
    for number, states in enumerate(passes(missing, states_at_once(prepared.box), kept_states(job, plan.identity)), 1):
        sums = StateSums(prepared.box, [plan.shells[i] for i in states], plan.side, plan.weight)
        about = {"states": np.array(states), "identity": np.array(plan.identity)}
        if not sum_states(sums, plan.prepared, job, f"images of pass {number}", about):
            return
        for place, i in enumerate(states):
            if i in done:
                continue
            if job.stop_requested():
                sums.keep(job, prepared.box, about)
                return
            done[i] = _make(plan, i, sums.of_state(place), job)
            _write_record(parameters, plan, done, job)
            job.progress(len(done), len(plan.z), stage="maps")
        forget_sums(job)
    if len(plan.z) > 1:
        _write_series(plan, job)


def _plan(
    parameters: ReconstructParameters, prepared: Prepared, centre: np.ndarray | None, halves: Halves, job: JobRun
) -> _Plan:
    latents = state_latents(parameters, prepared)
    series = _series(parameters, latents.z.shape[1])
    z = np.concatenate([each.z for each in series])
    grades = latents.among(z)
    side = np.full(len(prepared.particles), -1, np.int8)
    side[halves[0]], side[halves[1]] = 0, 1
    weight = np.where(side >= 0, latents.weight, 0)
    _check_latents(latents, grades, weight, side, job)
    placed, distance = latents.placed, latents.distance()
    square = np.full((len(z), len(side)), np.inf)
    for i, point in enumerate(z):
        square[i, placed] = distance.squared(point)
    shells = tuple(kernel_shells(each, weight) for each in square)
    corrected = replace(prepared, particles=latents.particles)
    numbers = ("",) if len(z) == 1 else tuple(f"_{i:0{max(3, len(str(len(z) - 1)))}d}" for i in range(len(z)))
    place = centre if latents.centre is None else latents.centre
    return _Plan(corrected, latents, series, shells, numbers, tuple(grades), distance.unit, side, weight, place,
                 _identity(corrected, z, shells, weight, side))  # fmt: skip


def _series(parameters: ReconstructParameters, dims: int) -> tuple[Series, ...]:
    """The points that were asked for, in the order at, path."""
    series: list[Series] = []
    if parameters.at:
        series.append(Series("at", points_at(parameters.at, dims)))
    if parameters.path is not None:
        series.append(Series(parameters.path.name, read_points(parameters.path, dims)))
    count = sum(len(each.z) for each in series)
    if count > MOST_POINTS:
        raise InputError(f"That would be {count} maps, and a job makes {MOST_POINTS} at most; ask for fewer.")
    return tuple(series)


def _check_latents(
    latents: StateLatents, grades: Sequence[str], weight: np.ndarray, side: np.ndarray, job: JobRun
) -> None:
    """Log what is left out, and which points lie at the edge; ``InputError`` where too few particles count."""
    count = int(np.count_nonzero(weight))
    if count < FEWEST:
        raise InputError(f"{count} particles have latents of {latents.name} and a probability above zero; a map at a "
                         f"point needs {FEWEST} about it at least.")  # fmt: skip
    lost = int(np.count_nonzero((side >= 0) & ~latents.placed))
    if lost:
        job.log(f"{lost} particles whose latents are no numbers are left out.")
    edge = [str(i + 1) for i, grade in enumerate(grades) if grade == "edge"]
    if edge:
        shown = ", ".join(edge[:8]) + (", …" if len(edge) > 8 else "")
        job.log(f"Warning: at the edge of the particles, where a map shows states farther inside, too: point {shown}.")


def _identity(
    prepared: Prepared, z: np.ndarray, shells: Sequence[KernelShells], weight: np.ndarray, side: np.ndarray
) -> str:
    """A digest of all that the sums depend on but the images."""
    digest = hashlib.sha256(str(prepared.folder.name).encode())
    particles = prepared.particles
    for array in (z, particles.rotation, particles.shift, weight, side, *(each.shell for each in shells)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _done(plan: _Plan, job: JobRun) -> dict[int, dict[str, Any]]:
    """What an interrupted run has recorded of the points that it has finished; nothing where latents are others now."""
    path = job.folder / RECORD
    if path.is_file():
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["identity"] == plan.identity:
            return {i: each for i, each in enumerate(record["points"]) if each is not None}
        job.log("The latents or poses have changed since the job began: it begins anew.")
        (job.folder / SUMS).unlink(missing_ok=True)
    return {}


def _make(plan: _Plan, i: int, sums: list, job: JobRun) -> dict[str, Any]:
    """Write the files of a point; what is recorded of it."""
    result = state_map(plan.shells[i], sums, plan.prepared.pixel_size)
    number, point = plan.numbers[i], plan.z[i]
    write_maps(result.maps, plan.prepared.pixel_size, plan.centre, job, number)
    with job.output(numbered("reconstruct.png", number)) as path:
        draw_state(path, result, plan.prepared.pixel_size, point, plan.unit)
    record = _point_record(plan, i, result)
    where = ", ".join(f"{value:.4g}" for value in point)
    resolution = "nowhere" if result.maps.resolution is None else f"to {result.maps.resolution:.1f} Å"
    low, middle, high = record["width"]
    job.log(f"Point ({where}): half of the molecule by kernels up to {middle:.3g} {plan.unit} wide, worth "
            f"{record['effective_particles']:.0f} particles, all but a fifth by {low:.3g} to {high:.3g}; the half-maps "
            f"agree {resolution}.")  # fmt: skip
    return record


def _point_record(plan: _Plan, i: int, result: StateMap) -> dict[str, Any]:
    shells = plan.shells[i]
    return {
        "z": plan.z[i].tolist(),
        "map": numbered(MAP, plan.numbers[i]),
        "lies": plan.grades[i],
        "resolution_0.143": result.maps.resolution,
        "width": list(result.typical),
        "effective_particles": round(shells.effective(result.typical[1]), 1),
        "widths": [round(float(width), 4) for width in shells.widths],
        "effective_particles_of_widths": [round(shells.effective(width), 1) for width in shells.widths],
        "share_of_density": [round(float(part), 4) for part in result.share],
        "gain_of_widths": [round(float(gain), 2) for gain in result.choice.gain.sum(axis=0)],
    }


def _write_record(parameters: ReconstructParameters, plan: _Plan, done: dict[int, dict], job: JobRun) -> None:
    record = {
        "box": plan.prepared.box,
        "pixel_size": plan.prepared.pixel_size,
        "particles": plan.prepared.folder.name,
        "selection": parameters.selection,
        "halves": [int(np.count_nonzero((plan.side == side) & (plan.weight > 0))) for side in (0, 1)],
        "latents": plan.latents.name,
        "unit": plan.unit,
        "identity": plan.identity,
        "points": [done.get(i) for i in range(len(plan.z))],
    }
    with job.output(RECORD) as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_series(plan: _Plan, job: JobRun) -> None:
    """z.npz, which point each map is at, and series.png."""
    with job.output(POINTS) as path, open(path, "wb") as file:
        np.savez(file, z=plan.z, series=np.repeat(np.arange(len(plan.series)), [len(each.z) for each in plan.series]))
    placed = plan.latents.z[plan.latents.placed]
    with job.output("series.png") as path:
        draw_series(path, plan.series, lambda i: read_map(job.folder / numbered(MAP, plan.numbers[i]))[0],
                    plan.prepared.pixel_size, placed, np.zeros(len(plan.z), bool))  # fmt: skip
