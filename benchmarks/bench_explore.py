"""How long it takes to look at the latents of many particles: a table with one row per step."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from chimerax.flexrec.explore.clusters import k_means
from chimerax.flexrec.explore.condition import rows_where
from chimerax.flexrec.explore.lasso import in_lasso
from chimerax.flexrec.explore.nearest import Nearest
from chimerax.flexrec.explore.path_graph import graph_path
from chimerax.flexrec.explore.plot_axes import make_view
from chimerax.flexrec.explore.plot_density import density_image
from chimerax.flexrec.explore.principal_components import latent_components
from chimerax.flexrec.models.support import Support


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, nargs="+", default=[1_000_000], help="how many (default: 1000000)")
    parser.add_argument("--dims", type=int, default=8, help="latent dimensions (default: 8)")
    chosen = parser.parse_args()
    for count in chosen.particles:
        print(f"\n{count} particles, {chosen.dims} latent dimensions")
        measure(np.random.default_rng(0).normal(size=(count, chosen.dims)).astype(np.float32))


def measure(z: np.ndarray) -> None:
    components = took("principal components", latent_components, z)
    view = make_view(("pc1", "pc2"), components)
    points = took("project to two components", view.project, z)
    took("density picture, 256 x 256", density_image, points)
    took("density picture, blurred", lambda: density_image(points, blur=1.5))
    took("all of these: the first plot", first_plot, z)
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    outline = (1 + 0.4 * np.sin(7 * angle))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    took("lasso of 200 corners", in_lasso, points, outline)
    took("lasso that is a scribble of 200", in_lasso, points, np.random.default_rng(1).normal(size=(200, 2)), repeats=1)
    took("condition on three columns", rows_where, "a > 0 and (b < 1 or not c > 0)",
         {"a": z[:, 0], "b": z[:, 1], "c": z[:, 0]}.__getitem__)  # fmt: skip
    plot, latent = Nearest(points), Nearest(z)
    took("nearest in the plot, no tree", plot.nearest, [0.1, 0.2])
    took("nearest in latent space, no tree", latent.nearest, z[5] + 0.01)
    took("tree of the plot", lambda: Nearest(points).tree, repeats=1)
    plot.tree  # noqa: B018
    took("nearest in the plot, tree", plot.nearest, [0.1, 0.2])
    support = took("support: tree and scale", Support.of, z, repeats=1)
    took("support of one point", support.grade, z[:1] + 0.01)
    took("10 clusters", k_means, z, 10, repeats=1)
    took("path through the graph", graph_path, z[:2], z, repeats=1)


def first_plot(z: np.ndarray) -> None:
    density_image(make_view(("pc1", "pc2"), latent_components(z)).project(z))


def took(what: str, work: Callable, *words: object, repeats: int = 3) -> object:
    """Print the shortest of a few times; what the work gives."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = work(*words)
        times.append(time.perf_counter() - began)
    print(f"{what:36} {1000 * min(times):10.2f} ms", flush=True)
    return result


if __name__ == "__main__":
    main()
