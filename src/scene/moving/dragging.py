"""The contour that is drawn in the place of the map during a drag, and how much else is drawn then."""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Model, Surface

from ..background_work import work_in_background
from ..lighting import PlainLight
from ..map_volume import LARGE
from ..shown_model import ShownModel
from .contour import ContourModel, contour_of
from .frame_rate import FrameRate
from .moving_parts import MovingParts
from .tied_points import TiedPoints

ALIKE = 1e-4  # relative difference of contour levels that needs no new contour
Wanted = tuple[float, tuple[int, ...]]  # a contour: its level, and what of the molecule is there


class Dragging:
    """One model's moving contour, made when it is first wanted: the engine process ties it to the mesh.

    ``drawn`` is whether it is drawn, in the place of the map; ``active`` whether the model is being dragged. `light`
    and `light_atoms` say whether the picture, or that of the atoms, is a lighter one: those take long to make again.
    """

    def __init__(self, model: ShownModel, parts: MovingParts) -> None:
        self._model, self._parts = model, parts
        self.contour: ContourModel | None = None
        self._requested: Wanted | None = None  # the contour that is made, or was
        self._there: tuple[int, ...] = ()  # what `contour` shows
        self.drawn = False
        self.active = self._moved = False
        self._frame_rate, self._atom_rate = FrameRate(), FrameRate()
        self._plain_light = PlainLight(model.session.main_view)
        self._handler = model.session.triggers.add_handler("frame drawn", self._frame_drawn)

    @property
    def slow(self) -> bool:
        """Whether full pictures take so long that what is on its way is better drawn lighter."""
        return self._frame_rate.light or self._atom_rate.light

    @property
    def light(self) -> bool:
        """Whether the picture is a lighter one."""
        return self._may_be_light and self._frame_rate.light

    @property
    def light_atoms(self) -> bool:
        """Whether the picture of the atoms is a lighter one."""
        return self._may_be_light and self.slow

    @property
    def _may_be_light(self) -> bool:
        """Only during a drag, and while nothing is recorded."""
        return self.active and getattr(self._model.session, "movie", None) is None

    def set_active(self, active: bool) -> None:
        """The model is moved: in a drag, or to the point where it stays."""
        self.active, self._moved = active, True
        self._plain_light.turn(self.light)

    def _frame_drawn(self, *_) -> None:
        loop = self._model.session.update_loop
        if not self.light:
            self._frame_rate.add(loop.last_draw_time)
        if self._moved and not self.light_atoms:
            making = loop.last_drawing_change_time + loop.last_atomic_check_for_changes_time
            self._atom_rate.add(making + loop.last_draw_time)
        self._moved = False

    def prepare(self) -> None:
        """Contour the map at rest, of what is there at the point shown, at the level shown, unless that is done."""
        model, moving = self._model, self._model.learned.moving
        if moving is None or model.map is None or self._requested == self._wanted:
            return
        self._requested, learned = (wanted := self._wanted), model.learned

        def contoured(found: tuple[np.ndarray, np.ndarray], error: Exception | None) -> None:
            if error is not None:
                self._requested = None
                raise error
            if self._requested == wanted and model.learned is learned and not model.deleted:
                self._tie(*found, wanted)

        def contour() -> tuple[np.ndarray, np.ndarray]:
            return contour_of(moving.at_rest(wanted[1]), learned.pixel_size, wanted[0])

        if learned.box >= LARGE:
            work_in_background(model.session, contour, contoured)
        else:
            contoured(contour(), None)

    def _tie(self, points: np.ndarray, triangles: np.ndarray, wanted: Wanted) -> None:
        """Make the contour's vertices ``(m, 3)`` and triangles ``(t, 3)`` follow the mesh."""
        model = self._model

        def tied(vertices: TiedPoints) -> None:
            if model.map is None:
                return
            self.close()
            self._requested, self.contour = wanted, ContourModel(model.session, vertices, triangles, wanted[0])
            self._there = wanted[1]
            self.contour.position, self.contour.display = model.frame, False
            model.map.add([self.contour])  # which is hidden, moved and closed with it

        def failed() -> None:
            self._requested = None

        if len(triangles):
            self._parts.tie(points, tied, failed)

    def follow(self) -> bool:
        """Draw the contour where the model's vertices carry it; False where there is none yet, or none can be."""
        if not self._possible():
            return False
        if not self._fits():
            self.prepare()
        if self.contour is None:
            return False
        self.contour.look_like(self._model.map.surfaces[0])
        self.contour.light = self.light
        self.contour.move(self._parts.vertices)
        self._draw(True)
        return True

    def preview(self) -> None:
        """Draw the contour at a point whose map is not there yet, where that is quick and the map slow to be drawn."""
        if self.slow and self._possible() and self._fits():
            self.follow()

    def show_map(self) -> None:
        """Draw the map again, and not the contour."""
        self._draw(False)

    def close(self) -> None:
        """Make a new contour for the next drag."""
        self._requested = None
        if self.contour is not None:
            self._model.session.models.close([self.contour])

    def end(self) -> None:
        """The model is closed."""
        self._plain_light.turn(False)
        self._handler.remove()

    def forget(self, removed: list[Model]) -> None:
        """Draw the map again if the contour is among the models that were closed."""
        if self.contour in removed:
            self.contour = self._requested = None
            self.show_map()

    def _draw(self, contour: bool) -> None:
        if contour != self.drawn:
            self.drawn = contour
            if self.contour is not None:
                self.contour.display = contour
            for surface in self._surfaces:
                surface.display = not contour

    def _possible(self) -> bool:
        """Whether one contour is what is seen of the map: several, or an image, do not follow a drag, nor does what
        changes without moving.
        """
        surfaces = self._surfaces
        return self._model.learned.moving is not None and len(surfaces) == 1 and (surfaces[0].display or self.drawn)

    @property
    def _surfaces(self) -> list[Surface]:
        return [] if self._model.map is None else self._model.map.surfaces

    def _fits(self) -> bool:
        level, there = self._wanted
        alike = self.contour is not None and abs(self.contour.level - level) <= ALIKE * abs(level)
        return alike and self._there == there

    @property
    def _wanted(self) -> Wanted:
        """The contour of what is there at the point shown, or where a drag of the canonical map begins."""
        model, moving = self._model, self._model.learned.moving
        z = np.zeros(model.learned.latent_dims) if model.z is None else model.z
        return model.level, () if moving is None else moving.what_is_there(z)
