"""``flexrec flow``, ``follow``, ``unfollow``: what moves with the map."""

from __future__ import annotations

from chimerax.atomic import AtomicStructuresArg
from chimerax.core.commands import BoolArg, CmdDesc, EnumOf, Or

from ..errors import InputError
from ..explore.anchors import read_point
from ..scene.moving.flow_look import MEAN, REST, FlowLook
from ..scene.scene_model import FlexRecModel
from .arguments import AnchorArg, NumberArg, model_keyword, the_model, whole

MOST_ARROWS = 20_000


def flexrec_flow(
    session, count: int = 500, scale: float = 1.0, threshold: float = 0.5, width: float = 1.0,
    reference: str = MEAN, show: bool = True, model: FlexRecModel | None = None,
):  # fmt: skip
    """The flow at the shown point, as arrows."""
    model = the_model(session, model)
    if not show:
        if model.parts.arrows is not None:
            model.parts.arrows.display = False
        return model.parts.arrows
    start = reference if reference in (MEAN, REST) else read_point(reference, model.trained)
    return model.parts.show_arrows(FlowLook(count, scale, threshold, width, start))


def flexrec_follow(session, structures, model: FlexRecModel | None = None):
    """Atomic structures move with the flow from now on."""
    model = the_model(session, model)
    if not structures:
        raise InputError("no atomic structure is named; open one and fit it to the canonical map.")
    for structure in structures:
        model.parts.follow(structure)
    return structures


def flexrec_unfollow(session, structures, model: FlexRecModel | None = None):
    """Atomic structures no longer move, and go back to where they were."""
    model = the_model(session, model)
    for structure in structures:
        if not model.parts.unfollow(structure):
            raise InputError(f"{structure} does not follow {model.name}; flexrec follow makes it.")


def commands() -> list[tuple]:
    """Words, description and function of each."""
    model = model_keyword()
    return [
        ("flow", CmdDesc(
            keyword=[("count", whole(1, MOST_ARROWS)), ("scale", NumberArg(0.001, 1000)),
                     ("threshold", NumberArg(0, 10_000)), ("width", NumberArg(0.001, 100)),
                     ("reference", Or(EnumOf((MEAN, REST), abbreviations=False), AnchorArg)), ("show", BoolArg),
                     model],
            synopsis="Show the flow to the shown point as arrows"), flexrec_flow),
        ("follow", CmdDesc(
            required=[("structures", AtomicStructuresArg)], keyword=[model],
            synopsis="Let atomic models move with the flow"), flexrec_follow),
        ("unfollow", CmdDesc(
            required=[("structures", AtomicStructuresArg)], keyword=[model],
            synopsis="Atomic models no longer move with the flow"), flexrec_unfollow),
    ]  # fmt: skip
