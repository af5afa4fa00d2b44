"""One trained model in the scene: the map at a point of latent space, and all that moves with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from chimerax.core.models import REMOVE_MODELS, Model
from chimerax.core.session import Session
from chimerax.core.state import State

from ..decoder_process import EngineError
from ..errors import InputError
from ..explore.path import LatentPath
from ..explore.trained_model import Trained
from ..models import Model as TrainedModel
from ..models import open_model
from .apart import Computing
from .map_volume import MapModel, contour_level
from .model_client import Done, Failed, ModelClient
from .movies.recorder import Recorder
from .moving.dragging import Dragging
from .moving.moving_parts import MovingParts
from .newer_checkpoint import renew
from .placement import centre_of
from .player import Player
from .point_status import PointStatus
from .snapshots import restore_scene, restored, scene_snapshot, session_snapshot
from .state_comparison import StateComparison


class FlexRecModel(Model):
    """A trained model, the map first among its children; mesh, arrows and atoms join when asked for, if it moves.

    Implements `ShownModel` for its parts. ``learned`` is what was trained.
    ``parts`` are the mesh, arrows and atoms that move. ``computing`` is what is computed about it beside the window.
    ``z`` ``(K,)`` is the point that is shown, None while the canonical map is (the map at rest, which no point gives
    exactly). ``path`` is what `player` plays. Places of the scene are those of the consensus that it was trained on;
    the mesh's Å are relative to voxel N//2, and its drawings are shifted to there by ``frame``.
    """

    def __init__(self, session: Session, folder: Path, learned: TrainedModel, name: str) -> None:
        super().__init__(name, session)
        self.folder, self.learned = folder, learned
        self.z: np.ndarray | None = None
        self._path: LatentPath | None = None
        self._recorder: Recorder | None = None
        self.on_change: list[Callable[[], None]] = []
        self.on_failure: list[Callable[[str], None]] = []
        self.computing: list[Computing] = []
        self.frame = centre_of(learned)
        self.point_status = PointStatus(session)
        self.parts = MovingParts(self)
        self.dragging = Dragging(self, self.parts)
        self.player = Player(self, self.dragging)
        self.comparison = StateComparison(self, self.parts)
        self._client = ModelClient(session, learned.file or folder, self._opened, learned.reading)
        self._map = MapModel(self, learned)
        self.add([self._map])
        self._removed = session.triggers.add_handler(REMOVE_MODELS, self._forget_removed)

    @property
    def map(self) -> MapModel | None:
        """The map; None where it was closed by hand, and not asked for since."""
        return None if self._map.deleted else self._map

    def want_map(self) -> MapModel:
        """The map, made again where it was closed."""
        if self._map.deleted and not self.deleted:
            self._map = MapModel(self, self.learned)
            self.add([self._map])
        return self._map

    def close_map(self) -> None:
        """Draw no map until it is asked for."""
        self._map.delete()

    @property
    def box(self) -> int:
        """Voxels on a side of its map."""
        return self.learned.box

    @property
    def level(self) -> float:
        """At which the map is contoured, or would be."""
        return contour_level(self.learned.volume) if self.map is None else self.map.level

    @cached_property
    def trained(self) -> Trained:
        """The train job and what is derived from its latents."""
        return Trained(self.folder, self.learned)

    @property
    def path(self) -> LatentPath | None:
        """What `player` plays."""
        return self._path

    @path.setter
    def path(self, path: LatentPath | None) -> None:
        self._path = path
        self.player.stop()  # which calls `notify_listeners`

    @property
    def recorder(self) -> Recorder | None:
        """What records a movie; None while nothing does."""
        return self._recorder

    @recorder.setter
    def recorder(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self.notify_listeners()

    @property
    def current_path(self) -> LatentPath:
        """The path that was made last; ``InputError`` where there is none."""
        if self.path is None:
            raise InputError(f"{self.name} has no path yet; make one, such as flexrec path pc 1.")
        return self.path

    def pause(self) -> None:
        """Stop playing the path."""
        self.player.pause()

    # ----- where it is -----

    def show(
        self, z: np.ndarray | None, done: Callable[[], None] = lambda: None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        """Show the map at ``z`` ``(K,)``, or the canonical map for None.

        ``done`` is called when it is set and will be drawn with the next frame; ``failed`` where the engine process
        cannot decode it, which else is only logged.
        """
        self._set_point(z, dragged=self.dragging.slow)  # until the map is there, all is drawn as at the end of a drag
        self.dragging.preview()

        def shown() -> None:
            self._draw_in_full()
            done()

        def not_decoded(error: Exception) -> None:
            self._draw_in_full()
            (failed or self.complain)(error)

        self._decode(shown, not_decoded)

    def _decode(
        self, done: Callable[[], None] = lambda: None, failed: Failed | None = None, late: bool = False
    ) -> None:
        """Show the map at the point that is set; if ``late``, also when a drag has gone on since."""
        if self.map is None:
            done()
            return
        if self.z is None:
            self._draw(self.learned.volume)
            done()
            return
        point = self.z

        def arrived(facts: dict, volume: np.ndarray) -> None:
            if self.z is point or (late and self.dragging.active):
                self._draw(volume, late and self.dragging.light)
                done()

        # a drag is followed by a quick map; where it ends, the true one is shown
        self.ask("decode", {"z": point.tolist(), "quick": late}, arrived, channel="map", failed=failed)

    def drag(self, z: np.ndarray) -> None:
        """Show ``z`` during a drag: the contour's vertices move; `show` the point where it ends."""
        self.point_status.move()
        self._set_point(z, dragged=True)
        if not self.dragging.follow():
            self._decode(late=True)

    def reload(self) -> None:
        """Go on with the newest checkpoint, in the engine process too."""
        flow = open_model(self.folder, self.learned.reading)
        self._client.open_again(flow.file)
        renew(self, flow)

    def _set_point(self, z: np.ndarray | None, dragged: bool) -> None:
        self.z = None if z is None else self.learned.checked(z)
        self.comparison.end()
        self.parts.place(self.z)
        self._move(dragged)
        self.notify_listeners()

    def _move(self, dragged: bool) -> None:
        """Move all that follows, to where the vertices are."""
        self.dragging.set_active(dragged)
        self.parts.draw(self.dragging.light, self.dragging.light_atoms)

    def _draw_in_full(self) -> None:
        """Draw in full what a drag has moved."""
        if self.dragging.active and not self.deleted:
            self._move(dragged=False)

    def notify_listeners(self) -> None:
        """Call the listeners in ``on_change``: the point, the path or the playing of it has changed."""
        for changed in list(self.on_change):
            changed()

    def point_out(self, sentence: str) -> None:
        """Call the listeners in ``on_failure``: something that was begun before has failed."""
        for listener in list(self.on_failure):
            listener(sentence)

    def forget_computing(self, ended: Computing) -> None:
        """That is not computed any more."""
        self.computing = [work for work in self.computing if work is not ended]
        self.notify_listeners()

    def _draw(self, volume: np.ndarray, light: bool = False) -> None:
        if self.map is not None:
            self.map.lighten(light)
            self.map.set(volume, not self.dragging.drawn)  # its old contour is not where the moving one was
        self.dragging.show_map()

    def _forget_removed(self, _, removed: list) -> None:
        for part in (self.parts, self.dragging, self.comparison):
            part.forget(removed)
        self.notify_listeners()

    # ----- the engine -----

    def ask(
        self, what: str, fields: dict, done: Done, array: np.ndarray | None = None, channel: str | None = None,
        failed: Failed | None = None,
    ) -> None:  # fmt: skip
        """Ask the engine process about this model; see `ModelClient.ask`."""
        self._client.ask(what, fields, done, array, channel, failed)

    def complain(self, error: Exception) -> None:
        """Log why an answer does not come."""
        self._client.complain(error)

    def open_again(self) -> None:
        """Let the engine read the model when it is next asked: it is another process now, or the files have changed."""
        self._client.open_again()

    def _opened(self, facts: dict) -> None:
        """Go on with the model that the engine process has, where training has written a newer one than ours."""
        if self.deleted or (facts["epoch"], facts["box"]) == (self.learned.epoch, self.learned.box):
            return
        try:
            renew(self, open_model(self.folder, self.learned.reading))
        except (InputError, EngineError) as error:
            self.session.logger.warning(f"{self.name}: training has written a newer model, but {error}")

    def delete(self) -> None:
        """Close it, and let the engine forget it; atoms that followed stay where they are."""
        self.parts.draw_atoms_in_full()
        self._removed.remove()
        self.comparison.end()
        self.dragging.end()
        self.player.leave()
        for work in self.computing:
            work.end()
        if self.recorder is not None:
            self.recorder.cancel("the model was closed while its movie was recorded.")
        self._client.close()
        super().delete()

    # ----- sessions and scenes -----

    def take_snapshot(self, session: Session, flags: int) -> dict:
        """For a session file, or for a scene."""
        return scene_snapshot(self, session) if flags == State.SCENE else session_snapshot(self, session, flags)

    @classmethod
    def restore_snapshot(cls, session: Session, data: dict) -> FlexRecModel | None:
        """From a session file."""
        return restored(cls, session, data)

    def restore_scene(self, data: dict) -> None:
        """As in a scene of now."""
        restore_scene(self, data)
