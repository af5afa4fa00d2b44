"""The contour that stands for the map while the hand drags, and how much is drawn then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .contour import ContourModel, contour_of
from .followers import Tied
from .frame_rate import Pace
from .plain_light import PlainLight

if TYPE_CHECKING:
    from ..scene_model import FlexRecModel

ALIKE = 1e-4  # relative difference of contour levels that needs no new contour


class Dragging:
    """One model's moving contour, made when it is first wanted: the engine process ties it to the mesh.

    ``drawn`` is whether it is drawn, in the place of the map; ``hand`` whether the hand moves the model. `light` and
    `light_atoms` say whether the picture, or that of the atoms, is a lighter one: those take long to make again.
    """

    def __init__(self, model: FlexRecModel) -> None:
        self._model = model
        self.contour: ContourModel | None = None
        self._asked: float | None = None  # the level of the contour that is made, or was
        self.drawn = False
        self.hand = self._fresh = False
        self._pace, self._pace_of_atoms = Pace(), Pace()
        self._plain = PlainLight(model.session.main_view)
        self._frames = model.session.triggers.add_handler("frame drawn", self._frame_drawn)

    @property
    def slow(self) -> bool:
        """Whether full pictures take so long that what is on its way is better drawn lighter."""
        return self._pace.light or self._pace_of_atoms.light

    @property
    def light(self) -> bool:
        """Whether the picture is a lighter one."""
        return self._may_be_light and self._pace.light

    @property
    def light_atoms(self) -> bool:
        """Whether the picture of the atoms is a lighter one."""
        return self._may_be_light and self.slow

    @property
    def _may_be_light(self) -> bool:
        """Only while the hand moves, and nothing is recorded."""
        return self.hand and getattr(self._model.session, "movie", None) is None

    def moves(self, hand: bool) -> None:
        """The model is moved, by the hand or to rest."""
        self.hand, self._fresh = hand, True
        self._plain.turn(self.light)

    def _frame_drawn(self, *_) -> None:
        loop = self._model.session.update_loop
        if not self.light:
            self._pace.took(loop.last_draw_time)
        if self._fresh and not self.light_atoms:
            making = loop.last_drawing_change_time + loop.last_atomic_check_for_changes_time
            self._pace_of_atoms.took(making + loop.last_draw_time)
        self._fresh = False

    def prepare(self) -> None:
        """Contour the canonical map at the level shown, unless that is done."""
        model, level = self._model, self._model.level
        if self._asked == level or model.learned.moving is None or model.map is None:
            return
        self._asked = level
        points, triangles = contour_of(model.learned.volume, model.learned.pixel_size, level)

        def tied(one: Tied) -> None:
            if model.map is None:
                return
            self.close()
            self._asked, self.contour = level, ContourModel(model.session, one, triangles, level)
            self.contour.position, self.contour.display = model.frame, False
            model.map.add([self.contour])  # which is hidden, moved and closed with it

        def lost() -> None:
            self._asked = None

        if len(triangles):
            model.parts.tie(points, tied, lost)

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
        self.contour.move(self._model.parts.vertices)
        self._draw(True)
        return True

    def lead(self) -> None:
        """Draw the contour where the map is on its way to, where that is quick and the map slow to be drawn."""
        if self.slow and self._possible() and self._fits():
            self.follow()

    def rest(self) -> None:
        """Draw the map again."""
        self._draw(False)

    def close(self) -> None:
        """Make a new contour for the next drag."""
        self._asked = None
        if self.contour is not None:
            self._model.session.models.close([self.contour])

    def end(self) -> None:
        """The model is closed."""
        self._plain.turn(False)
        self._frames.remove()

    def forget(self, removed: list) -> None:
        """Draw the map again if the contour is among the models that were closed."""
        if self.contour in removed:
            self.contour = self._asked = None
            self.rest()

    def _draw(self, contour: bool) -> None:
        if contour != self.drawn:
            self.drawn = contour
            if self.contour is not None:
                self.contour.display = contour
            for surface in self._surfaces:
                surface.display = not contour

    def _possible(self) -> bool:
        """Whether one contour is what is seen of the map: several, or an image, do not move with the hand, nor what
        changes without moving.
        """
        surfaces = self._surfaces
        return self._model.learned.moving is not None and len(surfaces) == 1 and (surfaces[0].display or self.drawn)

    @property
    def _surfaces(self) -> list:
        return [] if self._model.map is None else self._model.map.surfaces

    def _fits(self) -> bool:
        level = self._model.level
        return self.contour is not None and abs(self.contour.level - level) <= ALIKE * abs(level)
