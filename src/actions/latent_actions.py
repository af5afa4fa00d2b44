"""``flexrec cluster``, ``landscape`` and ``umap``: the structure of the latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..parameters import parameter
from .action import Action
from .action_scene import Link, Scene, Table

if TYPE_CHECKING:
    from ..explore.trained_model import Trained


def _seed() -> int:
    return parameter(0, low=0, help="seed of random numbers")


@dataclass(frozen=True)
class Cluster:
    """How particles are divided."""

    count: int = parameter(low=1, help="how many clusters")
    in_angstroms: bool = parameter(False, help="by ångströms of motion instead of latent units")
    seed: int = _seed()


def cluster(scene: Scene, asked: Cluster) -> dict[str, Any]:
    """Divide the particles into clusters."""
    from ..explore import cluster_file
    from ..explore.anchors import point_text

    trained = scene.trained
    clusters = cluster_file.make_clusters(trained, asked.count, asked.in_angstroms, asked.seed)
    rows = [
        (_particle(label, row), size, f"{100 * size / len(clusters.label):.1f}%", f"p{row}",
         point_text(trained.latents[row]))
        for label, (row, size) in enumerate(zip(clusters.centre, clusters.size), 1)
    ]  # fmt: skip
    scene.show_table(Table(f"{asked.count} clusters", ("cluster", "particles", "share", "middle", "at"), rows))
    return {"size": clusters.size, "middle": clusters.centre}


def _particle(text: object, row: int) -> Link:
    return Link(text, f"flexrec volume particle {row}")


# more particles than these take a second or more: of states in ångströms, and of latent numbers
FEW_STATES, FEW_POINTS = 5_000, 100_000


def _many(trained: Trained, in_angstroms: bool) -> bool:
    return len(trained.latents) > (FEW_STATES if in_angstroms else FEW_POINTS)


CLUSTER = Action(
    "cluster", "Divide the particles into clusters", cluster, Cluster,
    takes_long=lambda trained, asked: _many(trained, asked.in_angstroms),
    about="It is k-means, in latent units or by what moves. The points of paths may then be c1, c2, …: the particle in "
    "the middle of each.",
)  # fmt: skip


@dataclass(frozen=True)
class Landscape:
    """In which plane, how finely."""

    axes: str | None = parameter(None, help="one axis or two; if omitted, pc1,pc2", example="z1,z2")
    bins: int = parameter(64, low=1, help="along each axis")
    blur: float = parameter(1.5, low=0, unit="bins", help="smoothing")
    latent_units: bool = parameter(False, help="densities per latent unit, not per ångström of motion")


def landscape(scene: Scene, asked: Landscape) -> dict[str, Any]:
    """Energies of the states, and their minima."""
    from ..explore.anchors import point_text
    from ..explore.landscape import energy_landscape, save_landscape
    from ..explore.plot_axes import make_view

    trained = scene.trained
    names = asked.axes.split(",") if asked.axes else ("pc1", "pc2")[: trained.model.latent_dims]
    result = energy_landscape(
        trained, make_view(names, trained.components), asked.bins, asked.blur, not asked.latent_units
    )
    rows = [
        (_particle(number, minimum.row), f"{minimum.energy:.1f} kT", f"{100 * minimum.share:.1f}%", f"p{minimum.row}",
         point_text(minimum.z))
        for number, minimum in enumerate(result.minima, 1)
    ]  # fmt: skip
    scene.show_table(Table(f"Minima in {','.join(names)}", ("minimum", "energy", "share", "particle", "at"), rows))
    scene.say(f"written to {save_landscape(trained, result)}")
    return {"axes": names, "minima": result.minima}


LANDSCAPE = Action(
    "landscape", "Energies of the states, and their minima", landscape, Landscape,
    takes_long=lambda trained, asked: _many(trained, in_angstroms=False),
    about="The energy is minus the logarithm of how many particles there are, in kT. It is kept in the train job's "
    "folder, as explore/landscape.npz.",
)  # fmt: skip


@dataclass(frozen=True)
class Umap:
    """How the map is made."""

    neighbours: int = parameter(15, low=1, help="of each particle")
    min_dist: float = parameter(0.1, low=0, high=1, help="of points in the map")
    seed: int = _seed()


def umap(scene: Scene, asked: Umap) -> None:
    """A map of the latents in two dimensions."""
    from ..explore.embedding import check_embedding, make_embedding

    trained = scene.trained
    check_embedding(trained, asked.neighbours, asked.min_dist)
    scene.work(
        lambda: make_embedding(trained, asked.neighbours, asked.min_dist, asked.seed),
        lambda file: scene.wrote(file, f"UMAP written to {file}"), "computing UMAP …",
    )  # fmt: skip


UMAP = Action(
    "umap", "A map of the latents in two dimensions", umap, Umap,
    about="It is for three latent dimensions or more, takes minutes for 100,000 particles, and needs the package "
    "umap-learn. Its axes, umap1 and umap2, can then be chosen in the plot.",
)  # fmt: skip

SECTION = "Particles and states"
ACTIONS = (CLUSTER, LANDSCAPE, UMAP)
