"""ChimeraX's scene as the panel sees it: the FlexRec model that it is about, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from chimerax.atomic import AtomicStructure
from chimerax.core.commands import run
from chimerax.core.errors import UserError
from chimerax.core.models import ADD_MODELS, MODEL_DISPLAY_CHANGED, MODEL_ID_CHANGED, MODEL_NAME_CHANGED, REMOVE_MODELS
from chimerax.core.session import Session
from qtpy.QtCore import QTimer

from ..actions.action import CHIMERAX
from ..actions.action_registry import host_actions
from ..actions.view_actions import MESH_COLOURS, MOST_ARROWS
from ..errors import InputError
from ..explore.anchors import point_text
from ..explore.compare_states import Compared
from ..explore.path import LatentPath
from ..explore.trained_model import Trained
from ..panel.tabs.moving_tab import OpenStructure, ShownFlow
from ..scene.scene_model import FlexRecModel

_NO_MODEL = "Open a trained model: its mesh, flow and atoms are shown from here."
_SLOW = 80  # milliseconds between drawings of the panel where pictures are slow
# changes of models that ChimeraX reports, and the models do not
_LOOK_AGAIN = (MODEL_DISPLAY_CHANGED, MODEL_ID_CHANGED, MODEL_NAME_CHANGED)


class ChimeraXScene:
    """Implements `panel_scene.Scene` over one of the session's models: the last that was opened, or chosen."""

    movies = (".mp4", ".webm", ".ogv", ".avi")
    films_view = True

    def __init__(self, session: Session) -> None:
        self.session = session
        self.model: FlexRecModel | None = None
        self._changed: list[Callable[[], None]] = []
        self._on_message: list[Callable[[str], None]] = []
        self._look_timer = QTimer(singleShot=True, interval=0)  # of many commands in a script, only after the last
        self._look_timer.timeout.connect(self._look)
        self._following = False
        self._slow_timer = QTimer(singleShot=True, interval=_SLOW)
        self._slow_timer.timeout.connect(self._notify)
        listen = session.triggers.add_handler
        self._handlers = [
            *(listen(name, lambda *_: self._look()) for name in (ADD_MODELS, REMOVE_MODELS)),
            *(listen(name, lambda *_: self._look_timer.start()) for name in _LOOK_AGAIN),
        ]
        self._look()

    @property
    def models(self) -> list[FlexRecModel]:
        """Those that are open."""
        return [model for model in self.session.models.list(type=FlexRecModel) if not model.deleted]

    @property
    def trained(self) -> Trained | None:
        """See `panel_scene.Scene`."""
        return None if self.model is None else self.model.trained

    @property
    def z(self) -> np.ndarray | None:
        """See `panel_scene.Scene`."""
        return None if self.model is None else self.model.z

    @property
    def path(self) -> LatentPath | None:
        """See `panel_scene.Scene`."""
        return None if self.model is None else self.model.path

    @property
    def place(self) -> float:
        """See `panel_scene.Scene`."""
        return 0.0 if self.model is None else self.model.player.place

    @property
    def playing(self) -> bool:
        """See `panel_scene.Scene`."""
        return self.model is not None and self.model.player.playing

    @property
    def recorded(self) -> float | None:
        """See `panel_scene.Scene`."""
        recorder = None if self.model is None else self.model.recorder
        return None if recorder is None else recorder.done

    @property
    def computing(self) -> str | None:
        """See `panel_scene.Scene`."""
        works = [] if self.model is None else self.model.computing
        return works[-1].progress_text if works else None

    @property
    def comparison(self) -> Compared | None:
        """See `panel_scene.Scene`."""
        return None if self.model is None else self.model.comparison.description

    def drag(self, z: np.ndarray) -> None:
        """See `panel_scene.Scene`: the contour's vertices move."""
        if self.model is not None:
            self.model.player.leave()
            self.model.drag(z)

    def follow(self, z: np.ndarray) -> None:
        """See `panel_scene.Scene`."""
        if self.model is None:
            return
        self._following = True
        try:
            self.drag(z)
        finally:
            self._following = False
        self.session.update_loop.update_graphics_now()  # the next tick of ChimeraX's clock may be long after

    def _moved(self) -> None:
        """Another point. Where pictures are slow, the panel is drawn less often than the point changes."""
        if self._following and self.model.dragging.slow:
            if not self._slow_timer.isActive():
                self._slow_timer.start()
        else:
            self._notify()

    def renew(self, folder: Path) -> None:
        """See `panel_scene.Scene`."""
        for model in self.models:
            if model.folder == folder:
                with suppress(InputError, OSError):  # it may be about to be written; it is shown then
                    model.reload()

    # ----- what moves: see `moving_tab.MovingScene` -----

    mesh_colours = MESH_COLOURS
    most_arrows = MOST_ARROWS

    @property
    def why_not_moving(self) -> str:
        """See `MovingScene`."""
        return _NO_MODEL if self.model is None else self.model.parts.why_none

    @property
    def colours_missing(self) -> dict[str, str]:
        """See `MovingScene`."""
        return {} if self.model is None else self.model.parts.colours_missing

    @property
    def mesh_colour(self) -> str | None:
        """What the mesh is coloured by; None while it is hidden."""
        mesh = None if self.model is None else self.model.parts.mesh
        return mesh.colour if mesh is not None and mesh.display else None

    @property
    def flow(self) -> ShownFlow | None:
        """How the flow is shown; None while it is not."""
        arrows = None if self.model is None else self.model.parts.arrows
        if arrows is None or not arrows.display:
            return None
        look = arrows.look
        start = look.reference if isinstance(look.reference, str) else point_text(look.reference)
        return ShownFlow(look.count, look.scale, look.threshold, look.width, start)

    def structures(self) -> list[OpenStructure]:
        """The atomic structures that are open."""
        return [
            OpenStructure(f"#{atoms.id_string}", atoms.name, self.model is not None and self.model.parts.follows(atoms))
            for atoms in self.session.models.list(type=AtomicStructure)
        ]

    def run(self, command: str) -> bool:
        """See `panel_scene.Scene`."""
        if len(self.models) > 1 and self.model is not None and _is_of_model(command):
            command += f" model #{self.model.id_string}"
        try:
            run(self.session, command)
        except UserError as error:
            self.session.logger.warning(str(error))
            self._complain(str(error))
            return False
        return True

    def _complain(self, sentence: str) -> None:
        for on_message in list(self._on_message):
            on_message(sentence)

    def on_change(self, changed: Callable[[], None]) -> Callable[[], None]:
        """See `panel_scene.Scene`."""
        self._changed.append(changed)
        return lambda: self._changed.remove(changed)

    def on_failure(self, on_message: Callable[[str], None]) -> Callable[[], None]:
        """See `panel_scene.Scene`."""
        self._on_message.append(on_message)
        return lambda: self._on_message.remove(on_message)

    def choose(self, model: FlexRecModel | None) -> None:
        """Show another model in the panel."""
        if model is self.model:
            return
        if self.model is not None and self._moved in self.model.on_change:
            self.model.on_change.remove(self._moved)
            self.model.on_failure.remove(self._complain)
            if self.model in self.models and self.model.dragging.active and not self.model.player.playing:
                self.model.show(self.model.z)  # its drag ends here
        self.model = model
        if model is not None:
            model.on_change.append(self._moved)
            model.on_failure.append(self._complain)
            model.dragging.prepare()
        self._notify()

    def close(self) -> None:
        """Stop listening."""
        self._look_timer.stop()
        self._slow_timer.stop()
        for handler in self._handlers:
            handler.remove()
        self._changed, self._on_message = [], []
        self.choose(None)

    def _look(self) -> None:
        """Models came or went, or are others than they were."""
        models = self.models
        if self.model not in models or (models and models[-1] is not self.model and not self._were_there(models)):
            self.choose(models[-1] if models else None)
        self._seen = models
        self._notify()

    def _were_there(self, models: list[FlexRecModel]) -> bool:
        """Whether all of these were there at the last look."""
        return set(models) <= set(getattr(self, "_seen", []))

    def _notify(self) -> None:
        self._slow_timer.stop()
        for changed in list(self._changed):
            changed()


def _is_of_model(command: str) -> bool:
    """Whether a command is about a model, and can name one."""
    words = command.split()[1:]
    actions = host_actions(CHIMERAX)
    known = (actions.get(" ".join(words[:length])) for length in (2, 1))
    action = next(filter(None, known), None)
    return action is not None and action.of_model
