"""The terminal commands that look at a trained model's latents: paths, clusters, landscapes, maps of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..jobs.project import find_job_folder, job_folders, job_verb
from .job_commands import add_project

if TYPE_CHECKING:
    from ..explore.trained_model import Trained

_POINTS = "comma list: one number for each latent dimension, p12 (particle, from 0), c3 (cluster), s:open (selection)"


def add_explore(commands: Any) -> None:
    """The commands ``path``, ``cluster``, ``landscape``, ``umap`` and ``compare``."""
    path = add_command(commands, "path", "make a path through latent space, for flexrec generate --path", save_path)
    how = path.add_mutually_exclusive_group(required=True)
    how.add_argument("--axis", metavar="NAME", help="along pc1, pc2, … (motion, strongest first) or z1, z2, …")
    how.add_argument("--through", metavar="POINTS", help=f"straight from point to point ({_POINTS})")
    how.add_argument("--graph", metavar="POINTS", help="from point to point over neighbouring particles (as --through)")
    how.add_argument("--points", metavar="FILE", help="the points of a .json, .csv, .txt, .npy or .npz, in their order")
    path.add_argument("--frames", type=int, metavar="N", help="states (default: 30; with --points, those of the file)")
    path.add_argument("--at", metavar="POINT", help="the point that --axis goes through (default: the median particle)")
    path.add_argument(
        "--range", metavar="LOW,HIGH", default="5,95",
        help="where --axis begins and ends, percentiles of the particles (default: 5,95)",
    )  # fmt: skip
    add_angstroms(path, "constant speed, and the shortest way, in ångströms of motion instead of latent units")
    path.add_argument("--output", metavar="FILE", default="path.json", help="where to write it (default: path.json)")
    cluster = add_command(commands, "cluster", "divide the particles into clusters by k-means", make_clusters)
    cluster.add_argument("--count", type=int, required=True, metavar="N", help="how many clusters")
    add_angstroms(cluster, "by ångströms of motion instead of latent units")
    cluster.add_argument("--seed", type=int, default=0, metavar="N", help="seed of random numbers (default: 0)")


    landscape = add_command(commands, "landscape", "energies of the states, and their minima", make_landscape)
    landscape.add_argument("--axes", metavar="X,Y", default=None, help="one axis or two (default: pc1,pc2)")
    landscape.add_argument("--bins", type=int, default=64, metavar="N", help="along each axis (default: 64)")
    landscape.add_argument("--blur", type=float, default=1.5, metavar="X", help="smoothing, in bins (default: 1.5)")
    landscape.add_argument("--latent-units", action="store_true", help="densities per latent unit, not per ångström")
    umap = add_command(commands, "umap", "a map of the latents in two dimensions (needs umap-learn)", make_umap)
    umap.add_argument("--neighbours", type=int, default=15, metavar="N", help="of each particle (default: 15)")
    umap.add_argument("--min-dist", type=float, default=0.1, metavar="X", help="of points in the map (default: 0.1)")
    umap.add_argument("--seed", type=int, default=0, metavar="N", help="seed of random numbers (default: 0)")
    compare = add_command(commands, "compare", "how far two trainings of the same particles agree", show_comparison)
    compare.add_argument("other", metavar="OTHER", help="another train job of the same particles")


def add_command(commands: Any, name: str, synopsis: str, command: Any) -> argparse.ArgumentParser:
    """A command about a train job."""
    parser = commands.add_parser(name, help=synopsis, description=synopsis, allow_abbrev=False)
    parser.add_argument("job", metavar="JOB", nargs="?", help="a train job, running ones too (default: the newest)")
    add_project(parser)
    parser.set_defaults(command=command)
    return parser


def add_angstroms(parser: argparse.ArgumentParser, help_text: str) -> None:
    """The option ``--in-angstroms``."""
    parser.add_argument("--in-angstroms", action="store_true", help=help_text)


def trained_of(chosen: argparse.Namespace) -> Trained:
    """The train job that was named, or the newest with a model."""
    from ..explore.trained_model import open_trained

    project = Path(chosen.project)
    if chosen.job is not None:
        return open_trained(find_job_folder(chosen.job, project))
    for folder in reversed(job_folders(project)):
        if job_verb(folder) == "train" and (folder / "model.json").exists():
            return open_trained(folder)
    raise InputError(f"{project.absolute()} has no trained model; run flexrec train, or name the project by --project.")


def say(sentence: str) -> None:
    """What a person wants to know beside the result, which goes to standard output."""
    print(f"flexrec: {sentence}", file=sys.stderr)


def save_path(chosen: argparse.Namespace) -> int:
    """``flexrec path …``."""
    from ..explore.bounds import two_numbers
    from ..explore.make_path import describe_path, make_path, write_path

    trained = trained_of(chosen)
    path = make_path(
        trained, axis=chosen.axis, through=chosen.through, graph=chosen.graph,
        points=Path(chosen.points) if chosen.points else None, frames=chosen.frames, at=chosen.at,
        percentiles=two_numbers(chosen.range, "range"), in_angstroms=chosen.in_angstroms,
    )  # fmt: skip
    write_path(trained, path, chosen.output)
    say(describe_path(trained, path))
    print(Path(chosen.output).absolute())
    return 0


def make_clusters(chosen: argparse.Namespace) -> int:
    """``flexrec cluster …``: a line for each, with the latent point of the particle in its middle."""
    from ..explore import cluster_file

    trained = trained_of(chosen)
    clusters = cluster_file.make_clusters(trained, chosen.count, chosen.in_angstroms, chosen.seed)
    print("cluster  particles  share  middle   at")
    for label, (row, size) in enumerate(zip(clusters.centre, clusters.size), 1):
        point = ",".join(f"{value:.3g}" for value in trained.latents[row])
        print(f"{label:7d}  {size:9d}  {100 * size / len(clusters.label):4.1f}%  p{row:<7d} {point}")
    return 0


def make_landscape(chosen: argparse.Namespace) -> int:
    """``flexrec landscape …``: a line for each minimum."""
    from ..explore.landscape import energy_landscape, save_landscape
    from ..explore.plot_axes import make_view

    trained = trained_of(chosen)
    axes = chosen.axes.split(",") if chosen.axes else ("pc1", "pc2")[: trained.model.latent_dims]
    view = make_view(axes, trained.components)
    found = energy_landscape(trained, view, chosen.bins, chosen.blur, not chosen.latent_units)
    print("minimum  energy   share  particle  at")
    for number, one in enumerate(found.minima, 1):
        point = ",".join(f"{value:.3g}" for value in one.z)
        print(f"{number:7d}  {one.energy:4.1f} kT  {100 * one.share:4.1f}%  p{one.row:<7d}  {point}")
    say(f"written to {save_landscape(trained, found)}")
    return 0


def make_umap(chosen: argparse.Namespace) -> int:
    """``flexrec umap …``."""
    from ..explore.embedding import make_embedding

    print(make_embedding(trained_of(chosen), chosen.neighbours, chosen.min_dist, chosen.seed))
    return 0


def show_comparison(chosen: argparse.Namespace) -> int:
    """``flexrec compare JOB OTHER``."""
    from ..explore.compare_trainings import compare
    from ..explore.trained_model import open_trained

    first = trained_of(chosen)
    second = open_trained(find_job_folder(chosen.other, Path(chosen.project)))
    found = compare(first, second)
    print(f"{found.particles} particles in common")
    print("latents: canonical correlations " + " ".join(f"{value:.2f}" for value in found.correlation))
    if found.motion is None:
        return 0
    print(f"motion: {found.motion[0]:.2f} Å in {first.folder.name}, {found.motion[1]:.2f} Å in {second.folder.name}; "
          f"they differ by {found.difference:.2f} Å, agreement {found.agreement:.2f}")  # fmt: skip
    return 0
