"""One trained model in the scene: the map at a point of latent space, and all that moves with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from chimerax.core.models import REMOVE_MODELS, Model
from chimerax.geometry import Place, translation

from ..errors import InputError
from ..explore.path import LatentPath
from ..explore.trained import Trained
from ..models import open_model
from ..models.flow_model import FlowModel
from .arrows import ArrowsModel
from .atoms import AtomFollower, check_inside
from .contour import ContourModel, contour_of
from .decoding import decoding
from .followers import Tied
from .map import MapModel
from .mesh import MeshModel
from .player import Player
from .recorder import Recorder

ALIKE = 1e-4  # relative difference of contour levels that needs no new contour


class FlexRecModel(Model):
    """A trained flow model, the map first among its children; mesh, arrows and atoms join when asked for.

    ``z`` ``(K,)`` is the point that is shown, None while the canonical map is (the map at rest, which no point gives
    exactly). ``path`` is what `player` plays. Places of the scene are those of map files: the first voxel at (0, 0, 0);
    the mesh's Å are relative to voxel N//2, and its drawings are shifted by half the box.
    """

    def __init__(self, session, folder: Path, flow: FlowModel, name: str) -> None:
        super().__init__(name, session)
        self.folder, self.flow = folder, flow
        self.z: np.ndarray | None = None
        self._path: LatentPath | None = None
        self.player = Player(self)
        self.recorder: Recorder | None = None
        self.moved = flow.mesh.vertices
        self.mesh: MeshModel | None = None
        self.arrows: ArrowsModel | None = None
        self.followers: list[AtomFollower] = []
        self.on_change: list[Callable[[], None]] = []
        self._frame = centre_of(flow)
        self._contour: ContourModel | None = None
        self._contour_asked: float | None = None
        self._engine, self._key = decoding(session), decoding(session).new_name()
        self._opened = False
        self.map = MapModel(session, flow.volume, flow.pixel_size)
        self.add([self.map])
        self._removed = session.triggers.add_handler(REMOVE_MODELS, self._forget_removed)

    @cached_property
    def trained(self) -> Trained:
        """The train job and what is derived from its latents."""
        return Trained(self.folder, self.flow)

    @property
    def path(self) -> LatentPath | None:
        """What `player` plays."""
        return self._path

    @path.setter
    def path(self, path: LatentPath | None) -> None:
        self._path = path
        self.tell()

    @property
    def current_path(self) -> LatentPath:
        """The path that was made last; ``InputError`` where there is none."""
        if self.path is None:
            raise InputError(f"{self.name} has no path yet; make one, such as flexrec path pc 1.")
        return self.path

    # ----- where it is -----

    def show(
        self, z: np.ndarray | None, done: Callable[[], None] = lambda: None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        """Show the map at ``z`` ``(K,)``, or the canonical map for None.

        ``done`` is called when it is set and will be drawn with the next frame; ``failed`` where the engine process
        cannot decode it, which is only said otherwise.
        """
        self._set_point(z)
        if self.z is None:
            self._draw(self.flow.volume)
            done()
            return
        point = self.z

        def arrived(facts: dict, volume: np.ndarray) -> None:
            if not self.deleted and self.z is point:
                self._draw(volume)
                done()

        self.ask("decode", {"z": point.tolist()}, arrived, channel="map", failed=failed)

    def drag(self, z: np.ndarray) -> None:
        """Follow the hand to ``z``: the contour's vertices move; `show` the point where it rests."""
        self._set_point(z)
        if not self._contour_fits():
            self.prepare_drag()
            if self._contour is None:
                self.show(z)
                return
        if self.map.surfaces and (self.map.surfaces[0].color != self._contour.color).any():
            self._contour.color = self.map.surfaces[0].color
        self._contour.move(self.moved)
        self._show_contour(True)

    def prepare_drag(self) -> None:
        """Contour the canonical map at the level shown, and tie the contour to the mesh, in the engine process."""
        level = self.map.level
        if self._contour_asked == level:
            return
        self._contour_asked = level
        points, triangles = contour_of(self.flow.volume, self.flow.pixel_size, level)

        def tied(one: Tied) -> None:
            if self.deleted:
                return
            if self._contour is not None:
                self.session.models.close([self._contour])
            self._contour = ContourModel(self.session, one, triangles, level)
            self._contour.position, self._contour.display = self._frame, False
            self.add([self._contour])

        self._tie(points, tied)

    def reload(self) -> None:
        """Read the newest checkpoint: the same map, of another size if need be, at the same point, and all that moves.

        ``InputError`` where it has another mesh, to which nothing that moves is tied.
        """
        flow = open_model(self.folder)
        if not np.array_equal(flow.mesh.vertices, self.flow.mesh.vertices):
            raise InputError(f"{self.folder} has another mesh now; close {self.name} and open it again.")
        z = self.z
        if flow.latent_dims != self.flow.latent_dims:
            z = self._path = None
        self.flow, self._frame = flow, centre_of(flow)
        self.__dict__.pop("trained", None)
        self.open_again()
        self.map.resize(flow.volume, flow.pixel_size)
        for one in (self.mesh, self.arrows, self._contour):
            if one is not None:
                one.position = self._frame
        if self.arrows is not None:
            start = self.arrows.reference
            self.arrows.start_at(flow.mesh.vertices if start is None else flow.vertices(start))
        if self._contour is not None:
            self._contour_asked = None
            self.prepare_drag()
        self.show(z)

    def _set_point(self, z: np.ndarray | None) -> None:
        self.z = None if z is None else self.flow.checked(z)
        self.moved = self.flow.mesh.vertices if z is None else self.flow.vertices(self.z)
        for follower in (self.mesh, self.arrows, *self.followers):
            if follower is not None:
                follower.move(self.moved)
        self.tell()

    def tell(self) -> None:
        """Tell those who follow the point, the path and the playing of it."""
        for changed in list(self.on_change):
            changed()

    def _draw(self, volume: np.ndarray) -> None:
        self.map.set(volume)
        self._show_contour(False)

    def _show_contour(self, moving: bool) -> None:
        # a change that is none would still make ChimeraX list all models anew
        if self._contour is not None and self._contour.display != moving:
            self._contour.display = moving
            for surface in self.map.surfaces:
                surface.display = not moving

    def _contour_fits(self) -> bool:
        return self._contour is not None and abs(self._contour.level - self.map.level) <= ALIKE * self.map.level

    # ----- what moves with it -----

    def show_mesh(self, colour: str) -> MeshModel:
        """Draw the mesh; ``colour`` is one of `mesh.COLOURS`."""
        if self.mesh is None:
            self.mesh = MeshModel(self.session, self.flow.mesh, colour)
            self.mesh.position = self._frame
            self.mesh.move(self.moved)
            self.add([self.mesh])
        self.mesh.colour, self.mesh.display = colour, True
        return self.mesh

    def show_arrows(self, count: int, scale: float, threshold: float, width: float, start: np.ndarray | None) -> None:
        """Draw at most ``count`` arrows, from where the density is at point ``start`` (at rest for None)."""
        points = spread_points(self.flow.volume, self.flow.pixel_size, self.map.level, count)
        origin = self.flow.mesh.vertices if start is None else self.flow.vertices(start)

        def tied(one: Tied) -> None:
            if self.deleted:
                return
            self.hide_arrows()
            self.arrows = ArrowsModel(self.session, one, one.moved(origin), scale, threshold, width)
            self.arrows.position, self.arrows.reference = self._frame, start
            self.arrows.move(self.moved)
            self.add([self.arrows])

        self._tie(points, tied)

    def hide_arrows(self) -> None:
        """Take the arrows away."""
        if self.arrows is not None:
            self.session.models.close([self.arrows])

    def follow(self, structure) -> int:
        """Let an atomic structure, fitted to the canonical map, move with it; returns how many atoms lie outside."""
        self.unfollow(structure)
        to_mesh = (self.scene_position * self._frame).inverse() * structure.scene_position
        base = structure.atoms.coords
        points = to_mesh.transform_points(base.astype(np.float64))
        tied = self._tie_now(points)
        outside = check_inside(np.asarray(tied.matrix.data).reshape(-1, 4), str(structure))
        self.keep_follower(AtomFollower(structure, tied, base, to_mesh.inverse()))
        return outside

    def keep_follower(self, follower: AtomFollower) -> None:
        """Let a follower move, from where the map is now."""
        self.followers.append(follower)
        follower.move(self.moved)

    def unfollow(self, structure) -> bool:
        """Put a structure's atoms back; False where it did not follow."""
        mine = [follower for follower in self.followers if follower.structure is structure]
        for follower in mine:
            self.followers.remove(follower)
            follower.restore()
        return bool(mine)

    def _forget_removed(self, _, removed: list) -> None:
        for name in ("mesh", "arrows", "_contour"):
            if getattr(self, name) in removed:
                setattr(self, name, None)
        self.followers = [one for one in self.followers if one.structure not in removed]

    # ----- the engine -----

    def ask(
        self, what: str, fields: dict, done: Callable[[dict, Any], None], array: np.ndarray | None = None,
        channel: str | None = None, failed: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        """Ask the engine process about this model; see `Decoding.ask`."""
        self._open_once()
        mine = None if channel is None else f"{self._key} {channel}"
        self._engine.ask(what, {"model": self._key, **fields}, done, array, mine, failed)

    def open_again(self) -> None:
        """Let the engine read the model when it is next asked: it is another process now, or the files have changed."""
        self._opened = False

    def _open_once(self) -> None:
        if not self._opened:
            self._opened = True
            self._engine.ask("open", {"model": self._key, "path": str(self.folder)}, lambda facts, _: None)

    def _tie(self, points: np.ndarray, done: Callable[[Tied], None]) -> None:
        def arrived(facts: dict, found: np.ndarray) -> None:
            done(Tied.to_mesh(points, found[:, :4].astype(np.int32), found[:, 4:], self.flow.mesh.vertices))

        self.ask("tie", {}, arrived, points.astype(np.float32))

    def _tie_now(self, points: np.ndarray) -> Tied:
        self._open_once()
        _, found = self._engine.call("tie", {"model": self._key}, points.astype(np.float32))
        return Tied.to_mesh(points, found[:, :4].astype(np.int32), found[:, 4:], self.flow.mesh.vertices)

    def delete(self) -> None:
        """Close it, and let the engine forget it; atoms that followed stay where they are."""
        self._removed.remove()
        self.player.close()
        if self.recorder is not None:
            self.recorder.cancel("the model was closed while its movie was recorded.")
        if self._opened:
            self._engine.ask("close", {"model": self._key}, lambda facts, _: None)
        super().delete()


def centre_of(flow: FlowModel) -> Place:
    """The place in the map's coordinates of the voxel from which a model's Å are counted."""
    return translation((flow.box // 2 * flow.pixel_size,) * 3)


def spread_points(volume: np.ndarray, pixel_size: float, level: float, count: int) -> np.ndarray:
    """At most ``count`` points ``(m, 3)`` Å, relative to voxel N//2, evenly spread where a map is above ``level``."""
    inside = np.count_nonzero(volume > level)
    if inside == 0:
        raise InputError("no density is above the contour level; lower it, then ask for arrows again.")
    step = max(1, int(np.ceil((inside / count) ** (1 / 3))))
    while True:
        voxels = np.argwhere(volume[::step, ::step, ::step] > level) * step
        if len(voxels) <= count:
            return ((voxels - len(volume) // 2)[:, ::-1] * pixel_size).astype(np.float32)
        step += 1


