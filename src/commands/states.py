"""``flexrec cluster``, ``landscape``, ``compare`` and ``umap``: the structure of the latents, in the Log."""

from __future__ import annotations

import threading

from chimerax.core.commands import BoolArg, CmdDesc, StringArg

from ..errors import InputError
from ..explore import cluster_file
from ..explore.anchors import point_text
from ..explore.compare_trainings import Comparison, compare
from ..explore.embedding import make_embedding, require_umap
from ..explore.landscape import BINS, BLUR, energy_landscape, save_landscape
from ..explore.plot_axes import make_view
from ..explore.trained_model import open_trained
from ..jobs.project import find_job_folder
from ..scene.decoding import waits
from ..scene.scene_model import FlexRecModel
from .arguments import SEED, NumberArg, model_keyword, the_model, whole
from .tables import Link, log_table


def flexrec_cluster(
    session, count: int, in_angstroms: bool = False, seed: int = 0, model: FlexRecModel | None = None
) -> dict:  # fmt: skip
    """Divide the particles into clusters by k-means; the points of paths may then be c1, c2, …."""
    model = the_model(session, model)
    clusters = cluster_file.make_clusters(model.trained, count, in_angstroms, seed)
    rows = [
        (_particle_link(model, f"c{label}", row), size, f"{100 * size / len(clusters.label):.1f}%", f"p{row}",
         point_text(model.trained.latents[row]))
        for label, (row, size) in enumerate(zip(clusters.centre, clusters.size), 1)
    ]  # fmt: skip
    log_table(session, f"{count} clusters of {model.name}", ("cluster", "particles", "share", "middle", "at"), rows)
    return {"size": clusters.size, "middle": clusters.centre}


def flexrec_landscape(
    session, axes: str | None = None, bins: int = BINS, blur: float = BLUR, latent_units: bool = False,
    model: FlexRecModel | None = None,
) -> dict:  # fmt: skip
    """Energies of the states, and their minima."""
    model = the_model(session, model)
    trained = model.trained
    names = axes.split(",") if axes else ("pc1", "pc2")[: trained.model.latent_dims]
    found = energy_landscape(trained, make_view(names, trained.components), bins, blur, not latent_units)
    rows = [
        (_particle_link(model, number, one.row), f"{one.energy:.1f} kT", f"{100 * one.share:.1f}%", f"p{one.row}",
         point_text(one.z))
        for number, one in enumerate(found.minima, 1)
    ]  # fmt: skip
    log_table(session, f"Minima of {model.name} in {','.join(names)}", ("minimum", "energy", "share", "particle", "at"),
              rows)  # fmt: skip
    session.logger.info(f"written to {save_landscape(trained, found)}")
    return {"axes": names, "minima": found.minima}


def flexrec_compare(session, other: str, model: FlexRecModel | None = None) -> Comparison:
    """How far the model agrees with another training of the same particles: a model, a job's name or its folder."""
    model = the_model(session, model)
    found = compare(model.trained, _other(session, model, other))
    rows = [
        ("particles in common", found.particles),
        ("canonical correlations of the latents", " ".join(f"{value:.2f}" for value in found.correlation)),
    ]
    if found.motion is not None:
        rows += [
            ("motion", f"{found.motion[0]:.2f} Å and {found.motion[1]:.2f} Å"),
            ("difference", f"{found.difference:.2f} Å"),
            ("agreement", f"{found.agreement:.2f}"),
        ]
    log_table(session, f"{model.name} and {other}", ("what", "value"), rows)
    return found


def flexrec_umap(
    session, neighbours: int = 15, min_dist: float = 0.1, seed: int = 0, model: FlexRecModel | None = None
) -> None:
    """A map of the latents in two dimensions, computed beside the window, which needs umap-learn."""
    trained = the_model(session, model).trained

    def compute() -> str:
        return f"UMAP written to {make_embedding(trained, neighbours, min_dist, seed)}"

    if waits(session) or trained.model.latent_dims < 3:
        session.logger.info(compute())
        return
    require_umap()

    def beside() -> None:
        try:
            session.ui.thread_safe(session.logger.info, compute())
        except (InputError, OSError) as error:
            session.ui.thread_safe(session.logger.warning, f"FlexRec: {error}")

    session.logger.status("computing UMAP …")
    threading.Thread(target=beside, daemon=True).start()


def _other(session, model: FlexRecModel, other: str):
    if other.startswith("#"):
        for one in session.models.list(type=FlexRecModel):
            if one.id_string == other[1:]:
                return one.trained
        raise InputError(f"{other} is no FlexRec model; name one that is open, or a job.")
    return open_trained(find_job_folder(other, model.trained.project))


def _particle_link(model: FlexRecModel, text: object, row: int) -> Link:
    return Link(text, f"flexrec volume particle {row} model #{model.id_string}")


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        ("cluster", CmdDesc(
            keyword=[("count", whole(1)), ("in_angstroms", BoolArg), ("seed", SEED), model_keyword()],
            required_arguments=["count"], synopsis="Divide the particles into clusters"), flexrec_cluster),
        ("landscape", CmdDesc(
            keyword=[("axes", StringArg), ("bins", whole(1)), ("blur", NumberArg(0)),
                     ("latent_units", BoolArg), model_keyword()],
            synopsis="Energies of the states, and their minima"), flexrec_landscape),
        ("compare", CmdDesc(
            required=[("other", StringArg)], keyword=[model_keyword()],
            synopsis="How far two trainings of the same particles agree"), flexrec_compare),
        ("umap", CmdDesc(
            keyword=[("neighbours", whole(1)), ("min_dist", NumberArg(0, 1)), ("seed", SEED), model_keyword()],
            synopsis="A map of the latents in two dimensions"), flexrec_umap),
    ]  # fmt: skip
