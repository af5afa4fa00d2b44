"""What a particle can be coloured and selected by: its latents, its cluster, its microscope, its place in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from zipfile import BadZipFile

import numpy as np

from ..errors import InputError
from ..particles import Particles
from .cluster_file import load_clusters
from .compared_file import is_compared, load_comparison
from .embedding import load_embedding
from .plot_axes import axis_of
from .trained_model import Trained

_SAMPLE = 20_000  # particles whose motion is worked out; the others take that of the nearest of them
_TENSORS = 2_000  # of these, particles whose metric is
_MICROGRAPH = ("rlnMicrographName", "location/micrograph_path", "location/micrograph_uid")
_CLASS = ("rlnClassNumber", "alignments3D/class", "alignments2D/class")


@dataclass(frozen=True, eq=False)
class Column:
    """One value per particle.

    Attributes
    ----------
    name : as it was asked for. values : ``(n,)`` numbers, NaN for particles without one, or ``str``
        objects. unit : "Å", "°" or "".
    categories : whether values only name groups (class, cluster, micrograph) and have no order.
    """

    name: str
    values: np.ndarray
    unit: str = ""
    categories: bool = False

    def coded(self) -> tuple[np.ndarray, np.ndarray]:
        """``(distinct values, code (n,))``: the values are ``distinct[code]``; for colouring categories."""
        return np.unique(self.values, return_inverse=True)


def column(trained: Trained, name: str) -> Column:
    """A column by name; ``InputError`` names those that there are."""
    compared = load_comparison(trained) if is_compared(name) else None
    if compared is not None and name in dict(compared.columns()):
        return Column(name, dict(compared.columns())[name])
    if name in _COMPUTED:
        result = _COMPUTED[name](trained)
        if result is None:
            raise InputError(f"{name}: {_missing(name)}.")
        return result
    try:
        kind, k = axis_of(name, trained.model.latent_dims)
    except InputError:
        return _of_particles(trained, name)
    if kind == "z":
        return Column(name, _placed(trained, trained.latents[:, k]))
    return Column(name, _placed(trained, trained.components.coordinates(trained.latents)[:, k]))


def _missing(name: str) -> str:
    verb = "cluster" if name == "cluster" else "umap" if name.startswith("umap") else None
    if verb is None:
        return "this training has not estimated it; select by another column"
    return f"it has not been computed for this epoch; run flexrec {verb} first"


def column_names(trained: Trained) -> list[str]:
    """The columns that there are now: axes, what has been computed, and what the particle file has."""
    dims = range(1, trained.model.latent_dims + 1)
    names = [f"z{k}" for k in dims] + [f"pc{k}" for k in dims]
    moves, known = trained.model.moving is not None, trained.model.precision is not None
    names += ["amplitude"] * moves + ["uncertainty"] * (moves and known) + ["uncertainty_in_z"] * known
    names += [name for name in _RESULTS if _COMPUTED[name](trained) is not None]
    compared = load_comparison(trained)
    names += [] if compared is None else [name for name, _ in compared.columns()]
    names += list(trained.model.columns)
    try:
        particles = trained.particles
    except InputError:
        return names
    names += [name for name, find in _PARTICLE.items() if name not in names and find(particles) is not None]
    return names + [name for name in particles.columns if name not in names]


def _of_particles(trained: Trained, name: str) -> Column:
    given = trained.model.columns
    if name in given:
        return Column(name, given[name].values, categories=given[name].categories)
    particles = trained.particles
    result = _PARTICLE[name](particles) if name in _PARTICLE else None
    if result is not None:
        return Column(name, result, _UNITS.get(name, ""), name in _GROUPS)
    if name in particles.columns:
        values = particles.columns[name]
        return Column(name, values, categories=values.dtype.kind == "O")
    names = column_names(trained)
    near = get_close_matches(name, names, 3) or names[:12]
    raise InputError(f"There is no column {name!r}; perhaps {', '.join(near)}.")


# ---------------------------------------------------------------------------- computed


def amplitude(trained: Trained) -> Column:
    """How far the molecule is moved from where the canonical map has it, Å r.m.s."""
    rows, which = _sampled(trained, _SAMPLE)
    return Column("amplitude", trained.angstroms.displacement(trained.latents[rows])[which], "Å")


def probability(trained: Trained) -> Column | None:
    """Probability of each image to be a particle of the molecule, as training found it; None where none is in doubt."""
    values = _trained_values(trained, "probability")
    return None if values is None else Column("probability", values.astype(np.float64))


def signal_scale(trained: Trained) -> Column | None:
    """How strong each image's signal is beside its noise, 1 on average; None where all are alike."""
    values = _trained_values(trained, "signal_scale")
    return None if values is None else Column("signal_scale", values.astype(np.float64))


def pose_correction(trained: Trained) -> Column | None:
    """How far training has moved each particle's pose: of its turn at the radius of gyration and its shift, Å."""
    values = _trained_values(trained, "pose_correction")
    return None if values is None else Column("pose_correction", np.linalg.norm(values, axis=1).astype(np.float64), "Å")


def _trained_values(trained: Trained, name: str) -> np.ndarray | None:
    """What training has left beside the latents, for each particle; None where it has not, or is gone."""
    try:
        with np.load(trained.folder / "latents.npz", allow_pickle=False) as file:
            return file[name] if name in file.files and len(file[name]) == len(trained.latents) else None
    except (OSError, ValueError, BadZipFile):
        return None


def uncertainty_in_z(trained: Trained) -> Column:
    """Root of the trace of the latents' covariance, the inverse of their precision, in latent units."""
    return Column("uncertainty_in_z", np.sqrt(np.trace(_covariance(trained), axis1=1, axis2=2)))


def uncertainty(trained: Trained) -> Column:
    """How uncertain the state is, Å r.m.s.: root of the trace of metric times covariance."""
    rows, which = _sampled(trained, _TENSORS)
    metric = trained.angstroms.tensor(trained.latents[rows]).astype(np.float32)
    return Column("uncertainty", np.sqrt(np.einsum("nij,nij->n", metric[which], _covariance(trained))), "Å")


def _covariance(trained: Trained) -> np.ndarray:
    if trained.model.precision is None:
        raise InputError(f"{trained.folder.name}: the model does not say how well each particle's latents are known.")
    dims = trained.model.latent_dims
    # a particle that the images say nothing about may have no precision at all
    return np.linalg.inv(trained.model.precision + np.float32(1e-6) * np.eye(dims, dtype=np.float32))


def _sampled(trained: Trained, most: int) -> tuple[np.ndarray, np.ndarray]:
    """``(rows (m,), which (n,))``: at most ``most`` particles, and for every particle the nearest of these."""
    from scipy.spatial import cKDTree

    count = len(trained.latents)
    if count <= most:
        return np.arange(count), np.arange(count)
    rows = np.sort(np.random.default_rng(0).choice(count, most, replace=False))
    return rows, cKDTree(trained.latents[rows]).query(trained.latents)[1]


def cluster(trained: Trained) -> Column | None:
    """Which cluster; None where none were made."""
    clusters = load_clusters(trained)
    return None if clusters is None else Column("cluster", _placed(trained, clusters.label), categories=True)


def _placed(trained: Trained, values: np.ndarray) -> np.ndarray:
    """Values ``(n,)`` that follow from latents: NaN where these are not numbers."""
    return values if trained.finite.all() else np.where(trained.finite, values, np.float32(np.nan))


def _umap(axis: int) -> Callable[[Trained], Column | None]:
    def find(trained: Trained) -> Column | None:
        embedding = load_embedding(trained)
        return None if embedding is None else Column(f"umap{axis + 1}", embedding.points[:, axis])

    return find


_RESULTS = {"cluster": cluster, "umap1": _umap(0), "umap2": _umap(1), "probability": probability,
            "signal_scale": signal_scale, "pose_correction": pose_correction}  # fmt: skip
_COMPUTED = {"amplitude": amplitude, "uncertainty": uncertainty, "uncertainty_in_z": uncertainty_in_z, **_RESULTS}


# ---------------------------------------------------------------------------- of the particle file


def _if_any_known(values: np.ndarray) -> np.ndarray | None:
    return None if np.isnan(values).all() else values


def _first(names: tuple[str, ...]) -> Callable[[Particles], np.ndarray | None]:
    return lambda particles: next((particles.columns[name] for name in names if name in particles.columns), None)


_PARTICLE: dict[str, Callable[[Particles], np.ndarray | None]] = {
    "defocus": lambda particles: _if_any_known(particles.defocus[:, :2].mean(axis=1)),
    "astigmatism": lambda particles: _if_any_known(np.abs(particles.defocus[:, 0] - particles.defocus[:, 1])),
    "phase_shift": lambda particles: particles.phase_shift,
    "optics_group": lambda particles: particles.group + 1,
    "half": lambda particles: particles.half if particles.half.any() else None,
    "micrograph": _first(_MICROGRAPH),
    "class": _first(_CLASS),
}
_UNITS = {"defocus": "Å", "astigmatism": "Å", "phase_shift": "°"}
_GROUPS = ("optics_group", "half", "micrograph", "class")
