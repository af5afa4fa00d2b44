"""The comparison of two states: it is shown in the place of what moves until it is ended, or the model moves on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from chimerax.core.models import Model
from chimerax.core.session import Session
from chimerax.geometry import Place
from chimerax.graphics import Camera
from chimerax.map import Volume

from ..explore.compare_states import (
    FAINT,
    FIRST,
    LESS,
    MORE,
    SECOND,
    Compared,
    difference_of,
    level_words,
    recoloured,
    side_by_side_of,
)
from ..explore.named_states import State
from .colour_key import TableKey
from .compared_maps import difference, side_by_side
from .moving.moving_parts import MovingParts
from .shown_model import ShownModel

_PAD = 0.05  # of the window, around what is seen side by side


class StateComparison:
    """One model's comparison, of which there is one at a time."""

    def __init__(self, model: ShownModel, parts: MovingParts) -> None:
        self._model, self._parts = model, parts
        self._shown: _ShownComparison | None = None
        self._request: object = None  # the comparison whose maps are being decoded

    @property
    def description(self) -> Compared | None:
        """What is compared, and what the colours mean; None while nothing is."""
        return None if self._shown is None else self._shown.description

    @property
    def hides(self) -> bool:
        """Whether the model is hidden for a comparison, and not by the user."""
        return self._shown is not None and self._model in self._shown.hidden

    def begin(self, states: Sequence[State], how: str) -> None:
        """Show two states' difference, or both beside each other, when their maps are decoded."""
        model = self._model
        model.pause()
        self.end()
        request = self._request = object()
        maps: list[np.ndarray] = []

        def arrived(_: dict, volume: np.ndarray) -> None:
            maps.append(volume)
            if len(maps) == 2 and self._request is request and not model.deleted:
                self._request = None
                self._show(how, (states[0].name, states[1].name), (maps[0], maps[1]))

        for state in states:
            model.ask("decode", {"z": state.z.tolist()}, arrived)

    def end(self) -> None:
        """Show what moves again, as it was seen."""
        self._request = None
        if self._shown is None:
            return
        shown, self._shown = self._shown, None
        shown.restore(self._model.session)
        self._model.notify_listeners()

    def forget(self, removed: list[Model]) -> None:
        """End it where its maps were closed by hand."""
        if self._shown is not None and self._shown.group in removed:
            self.end()

    def _show(self, how: str, names: tuple[str, str], maps: tuple[np.ndarray, np.ndarray]) -> None:
        model, session = self._model, self._model.session
        volumes = (difference if how == "difference" else side_by_side)(model, names, maps)
        sigma = float(np.sqrt(np.mean(np.square(volumes[0].data.array)))) or 1.0
        camera = session.main_view.camera
        before = _Camera(camera.position, getattr(camera, "field_width", None))
        group = session.models.add_group(volumes)
        moving = (model, *(follower.structure for follower in self._parts.followers))
        hidden = [drawn for drawn in moving if drawn.display]
        for drawn in hidden:
            drawn.display = False
        shown = _ShownComparison(how, names, sigma, group, volumes, hidden)
        group.name = shown.description.title
        if how == "beside":
            for volume in volumes:
                volume.update_drawings()  # which says how large they are
            session.main_view.view_all(group.bounds(), pad=_PAD)
            shown.camera = before.until(camera.position)
        self._install(shown)
        session.logger.info(shown.description.sentence)

    def _install(self, shown: _ShownComparison) -> None:
        self._shown = shown
        shown.key = TableKey(self._model.session, shown.description.lines, lambda: shown.group.visible)
        for volume in shown.volumes:
            volume.add_volume_change_callback(self._look_changed)
        self._model.notify_listeners()

    def _look_changed(self, _: Volume, change: str) -> None:
        if change in ("thresholds changed", "colors changed") and self._shown is not None:
            self._shown.key.lines = self._shown.description.lines
            self._model.notify_listeners()

    # ----- sessions -----

    def snapshot(self) -> dict[str, Any] | None:
        """For a session file, in which ChimeraX saves the maps themselves."""
        return None if self._shown is None else self._shown.snapshot(self._model)

    def take_snapshot(self, data: dict[str, Any] | None, models: dict[tuple, Model]) -> None:
        """Go on as in a session; ``models`` are its own, by the ids that they had."""
        group = None if data is None else models.get(tuple(data["group"]))
        if group is None:
            return
        volumes = [models[number] for number in map(tuple, data["volumes"]) if models.get(number) is not None]
        hidden = [models[number] for number in map(tuple, data["hidden"]) if models.get(number) is not None]
        if data["model hidden"]:
            hidden.append(self._model)
        shown = _ShownComparison(data["how"], tuple(data["names"]), data["sigma"], group, volumes, hidden)
        if (camera := data["camera"]) is not None:
            shown.camera = _Camera(Place(camera["before"]), camera["width"], Place(camera["after"]))
        self._install(shown)


@dataclass(frozen=True)
class _Camera:
    """Where the camera was, and, of one without perspective, how wide its view; ``after``: where it was put then."""

    before: Place
    width: float | None
    after: Place | None = None

    def until(self, after: Place) -> _Camera:
        return _Camera(self.before, self.width, after)

    def restore(self, camera: Camera) -> bool:
        """Put it back; False where the user has moved it since."""
        if not np.allclose(camera.position.matrix, self.after.matrix, atol=1e-3):
            return False
        camera.position = self.before
        if self.width is not None and hasattr(camera, "field_width"):
            camera.field_width = self.width
        return True


@dataclass
class _ShownComparison:
    """What is shown, and what was hidden for it. sigma : root mean square of the first volume."""

    how: str
    names: tuple[str, str]
    sigma: float
    group: Model
    volumes: list[Volume]
    hidden: list[Model]
    camera: _Camera | None = None
    key: TableKey | None = None

    @property
    def description(self) -> Compared:
        levels = [surface.level for surface in self.volumes[0].surfaces] if self.volumes else []
        words = level_words(levels, self.sigma)
        if self.how == "beside":
            description = side_by_side_of(self.names, words)
        else:
            description = difference_of(self.names, words, around=True)
        return recoloured(description, self._colours())

    def _colours(self) -> dict[str, str]:
        """The colours that the surfaces have now, by those that they had."""
        original = (FIRST, SECOND) if self.how == "beside" else (None, FAINT)
        colours = {}
        for volume, colour in zip(self.volumes, original):
            for surface in () if volume.deleted else volume.surfaces:
                shown = "#{:02x}{:02x}{:02x}".format(*surface.color[:3])
                colours[colour or (LESS if surface.level < 0 else MORE)] = shown
        return colours

    def restore(self, session: Session) -> None:
        if self.key is not None:
            self.key.close()
        for drawn in self.hidden:
            if not drawn.deleted:
                drawn.display = True
        if not self.group.deleted:
            session.models.close([self.group])
        view = session.main_view
        if self.camera is not None and not self.camera.restore(view.camera):
            view.view_all(pad=_PAD)

    def snapshot(self, model: ShownModel) -> dict[str, Any]:
        camera = self.camera
        return {
            "how": self.how, "names": self.names, "sigma": self.sigma, "group": self.group.id,
            "volumes": [volume.id for volume in self.volumes if not volume.deleted],
            "model hidden": model in self.hidden,
            "hidden": [drawn.id for drawn in self.hidden if drawn is not model and not drawn.deleted],
            "camera": None if camera is None else
            {"before": camera.before.matrix, "width": camera.width, "after": camera.after.matrix},
        }  # fmt: skip
