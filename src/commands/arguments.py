"""Arguments of the commands: which model, which point of latent space, numbers within bounds."""

from __future__ import annotations

import math

from chimerax.core.commands import Annotation, AnnotationError, ModelArg
from chimerax.core.commands.cli import next_token

from ..errors import InputError
from ..explore.anchors import FORMS, are_anchors
from ..scene.scene_model import FlexRecModel

MOST = 2**31 - 1  # of whole numbers


class FlexRecModelArg(ModelArg):
    """A FlexRec model, or something inside one."""

    name = "a FlexRec model specifier"

    @classmethod
    def parse(cls, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        model, used, rest = super().parse(text, session)
        while model is not None and not isinstance(model, FlexRecModel):
            model = model.parent
        if model is None:
            raise AnnotationError("Expected a FlexRec model; open one with flexrec open")
        return model, used, rest


class AnchorArg(Annotation):
    """Points as `explore.anchors` reads them, of whatever model: ``0.4,-0.2``, ``p12``, ``c3``, ``s:open``, a state."""

    name = f"a latent point ({FORMS})"

    @classmethod
    def parse(cls, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        if not text:
            raise AnnotationError(f"Expected {cls.name}")
        token, used, rest = next_token(text)
        if not are_anchors(token):
            raise AnnotationError(f"Expected {cls.name}")
        return token, used, rest


class NumberArg(Annotation):
    """A finite number within bounds, which are allowed; a ``whole`` one where that is said."""

    def __init__(self, low: float = -math.inf, high: float = math.inf, whole: bool = False) -> None:
        kind = "a whole number" if whole else "a number"
        super().__init__(f"{kind}{_bounds(low, high)}")
        self.low, self.high, self._type = low, high, int if whole else float

    def parse(self, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        if not text:
            raise AnnotationError(f"Expected {self.name}")
        token, used, rest = next_token(text)
        try:
            value = self._type(token)
        except ValueError:
            value = math.nan
        if not (self.low <= value <= self.high) or math.isinf(value):
            raise AnnotationError(f"Expected {self.name}")
        return value, used, rest

    def unparse(self, value, session=None) -> str:
        """As it is typed."""
        return str(value)


def whole(low: int, high: int = MOST) -> NumberArg:
    """A whole number within bounds; the largest keeps arrays of as many things from being asked for."""
    return NumberArg(low, high, whole=True)


def _bounds(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high) and high != MOST:
        return f" from {low:g} to {high:g}"
    return f" from {low:g}" if math.isfinite(low) else ""


SEED = whole(0)


def model_keyword() -> tuple:
    """The keyword ``model``."""
    return ("model", FlexRecModelArg)


def open_models(session) -> list[FlexRecModel]:
    """Those of a session, in the order in which they were opened."""
    return session.models.list(type=FlexRecModel)


def the_model(session, model: FlexRecModel | None) -> FlexRecModel:
    """``model``, or the only FlexRec model that is open."""
    if model is not None:
        return model
    found = open_models(session)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"#{one.id_string}" for one in found)
        raise InputError(f"there are several FlexRec models ({ids}); add model and one of them.")
    raise InputError("no FlexRec model is open; open one with flexrec open, or try flexrec demo.")
