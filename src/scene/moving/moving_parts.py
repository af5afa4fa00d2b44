"""What moves with one model's map: mesh, arrows and atoms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from chimerax.atomic import AtomicStructure
from chimerax.geometry import Place

from ...decoder_process import EngineError
from ...errors import InputError
from ...models.halves_record import has_agreement, read_agreement
from ..shown_model import ShownModel
from .arrows import ArrowsModel, long_motion, spread_points
from .flow_look import FlowLook
from .following_atoms import AtomFollower, check_inside
from .mesh_model import MeshModel
from .tied_points import TiedPoints

_NO_HALVES = "there are no half models whose agreement could be shown; train with halves true, and open that job."
STATES = 60  # of particles, whose motion tells how long arrows are


class MovingParts:
    """Of one model; nothing of it where density comes and goes, but nothing moves.

    ``vertices`` ``(v, 3)`` Å are those of the mesh at the shown point; None where there is no mesh. ``mesh`` and
    ``arrows`` are None while they are not drawn.
    """

    def __init__(self, model: ShownModel) -> None:
        self._model = model
        self.mesh: MeshModel | None = None
        self.arrows: ArrowsModel | None = None
        self.followers: list[AtomFollower] = []
        self.waiting: dict = {}  # structures that will follow as soon as their atoms are tied, each with its request
        self.vertices: np.ndarray | None = None
        self.place(None)

    def place(self, z: np.ndarray | None) -> None:
        """Carry the vertices to ``z`` ``(K,)``, or to rest for None; `draw` draws it."""
        flow = self._model.learned
        if flow.moving is not None:
            self.vertices = flow.moving.mesh.vertices if z is None else flow.moving.vertices(z)
        else:
            self.vertices = None

    def draw(self, light: bool, light_atoms: bool) -> None:
        """Move all to where the vertices are; ``light`` and ``light_atoms`` draw less of it."""
        for drawing in (self.mesh, self.arrows):
            if drawing is not None:
                drawing.light = light
                drawing.move(self.vertices)
        for follower in self.followers:
            follower.light = light_atoms
            follower.move(self.vertices)

    def draw_atoms_in_full(self) -> None:
        """Leave atoms where they are, whole."""
        for follower in self.followers:
            follower.draw_in_full(self.vertices)

    def forget(self, removed: list) -> None:
        """Some models were closed."""
        if self.mesh in removed:
            self.mesh = None
        if self.arrows in removed:
            self.arrows = None
        self.waiting = {structure: request for structure, request in self.waiting.items()
                        if structure not in removed}  # fmt: skip
        self.followers = [follower for follower in self.followers if follower.structure not in removed]

    def show_mesh(self, colour: str) -> MeshModel:
        """Draw the mesh; ``colour`` is one of `actions.view_actions.MESH_COLOURS`."""
        self._needs_flow()
        agreement = self._agreement() if colour == "agreement" else None
        if self.mesh is None:
            self.mesh = MeshModel(self._model.session, self._model.learned.moving.mesh)
            self.mesh.position = self._model.frame
            self.mesh.move(self.vertices)
            self._model.add([self.mesh])
        self.mesh.agreement = agreement
        self.mesh.colour, self.mesh.display = colour, True
        return self.mesh

    def show_mesh_again(self, colour: str) -> MeshModel:
        """Draw the mesh as it was, by part where what it was coloured by is not there any more."""
        try:
            return self.show_mesh(colour)
        except InputError:
            return self.show_mesh("part")

    def _agreement(self) -> dict[str, np.ndarray]:
        """Å at each vertex, as of `halves_record.read_agreement`."""
        agreement = read_agreement(self._model.folder, len(self._model.learned.moving.mesh.vertices))
        if agreement is None:
            raise InputError(f"{self._model.name}: {_NO_HALVES}")
        return agreement

    @property
    def colours_missing(self) -> dict[str, str]:
        """By what the mesh of this model cannot be coloured, and why, in a sentence."""
        return {} if has_agreement(self._model.folder) else {"agreement": _NO_HALVES}

    def show_arrows(self, look: FlowLook) -> ArrowsModel:
        """Draw the flow as arrows.

        The model is there at once, its arrows when the engine process has told where they are in the mesh; only the
        newest request counts.
        """
        self._needs_flow()
        model, flow = self._model, self._model.learned
        look = replace(look, level=model.level if look.level is None else look.level)
        points, start = spread_points(flow.volume, flow.pixel_size, look.level, look.count), look.start(flow)
        origin = flow.moving.mesh.vertices if start is None else flow.moving.vertices(start)
        arrows = self.arrows or ArrowsModel(model.session)
        arrows.look, arrows.scale, arrows.threshold, arrows.width = look, look.scale, look.threshold, look.width
        if self.arrows is None:
            self.arrows, arrows.position = arrows, model.frame
            model.add([arrows])
        arrows.display = True

        def tied(starts: TiedPoints) -> None:
            if not arrows.deleted and arrows.look is look:
                begin = starts.moved(origin)
                arrows.begin_at(starts, begin, long_motion(starts, begin, self._some_states()))
                arrows.move(self.vertices)

        def failed() -> None:
            if not arrows.deleted and not arrows.count:
                model.session.models.close([arrows])

        self.tie(points, tied, failed)
        return arrows

    def _some_states(self) -> Iterator[np.ndarray]:
        """The mesh's vertices ``(v, 3)`` Å at some of the particles, always the same."""
        flow = self._model.learned
        for row in np.random.default_rng(0).choice(len(flow.latents), min(STATES, len(flow.latents)), replace=False):
            yield flow.moving.vertices(flow.latents[row])

    def follow(self, structure: AtomicStructure, rest: np.ndarray | None = None, to_mesh: Place | None = None) -> None:
        """Let an atomic structure, fitted to the canonical map, move with it, once its atoms are tied to the mesh.

        ``rest`` are its own coordinates ``(m, 3)`` Å at rest, now if None; ``to_mesh`` takes them to the mesh. Atoms
        outside the mesh are warned about; where most are, that is an ``InputError``, which in a window is only logged.
        """
        self._needs_flow()
        self.unfollow(structure)
        request = self.waiting[structure] = object()
        base = structure.atoms.coords if rest is None else rest
        if to_mesh is None:
            to_mesh = (self._model.scene_position * self._model.frame).inverse() * structure.scene_position

        def tied(atoms: TiedPoints) -> None:
            if self.waiting.get(structure) is not request:
                return
            del self.waiting[structure]
            outside = check_inside(np.asarray(atoms.matrix.data).reshape(-1, 4), str(structure))
            self.followers.append(AtomFollower(structure, atoms, base, to_mesh))
            self.followers[-1].move(self.vertices)
            if outside:
                where = "lie outside the mesh; they follow its edge"
                self._model.session.logger.warning(f"{outside} atoms of {structure} {where}.")

        def failed() -> None:
            if self.waiting.get(structure) is request:
                del self.waiting[structure]

        self.tie(to_mesh.transform_points(base.astype(np.float64)), tied, failed)

    def follows(self, structure: AtomicStructure) -> bool:
        """Whether it follows, or will."""
        return structure in [*self.waiting, *(follower.structure for follower in self.followers)]

    def unfollow(self, structure: AtomicStructure) -> bool:
        """Put a structure's atoms back; False where it did not follow."""
        followed = self.follows(structure)
        self.waiting.pop(structure, None)
        ended = [follower for follower in self.followers if follower.structure is structure]
        for follower in ended:
            self.followers.remove(follower)
            follower.restore()
        return followed

    @property
    def why_none(self) -> str:
        """Why there is nothing that moves, in a sentence; empty where there is."""
        model = self._model
        if model.learned.moving is not None:
            return ""
        return (f"{model.name} is a {model.learned.kind} model, in which density comes and goes but nothing moves; "
                "train a flow to see a mesh, arrows and atoms that follow.")  # fmt: skip

    def _needs_flow(self) -> None:
        """``InputError`` where nothing moves."""
        if self.why_none:
            raise InputError(self.why_none)

    def tie(self, points: np.ndarray, done: Callable[[TiedPoints], None], failed: Callable[[], None]) -> None:
        """Tie points ``(m, 3)`` Å at rest, relative to voxel N//2, to the mesh; ``done`` is called with them.

        ``failed`` is called where they cannot be tied, before the log says why.
        """
        model, rest = self._model, self._model.learned.moving.mesh.vertices

        def arrived(_: dict, places: np.ndarray) -> None:
            try:
                done(TiedPoints.to_mesh(points, places[:, :4].astype(np.int32), places[:, 4:], rest))
            finally:
                model.notify_listeners()

        def not_tied(error: Exception) -> None:
            failed()
            model.notify_listeners()
            model.complain(error)

        try:
            model.ask("tie", {}, arrived, points.astype(np.float32), failed=not_tied)
        except (InputError, EngineError):  # in scripts, which stop there
            failed()
            raise
