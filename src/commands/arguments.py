"""Arguments of the commands: which model, which point of latent space."""

from __future__ import annotations

import re

from chimerax.core.commands import Annotation, AnnotationError, ModelArg
from chimerax.core.commands.cli import next_token

from ..errors import InputError
from ..explore.anchors import point_text
from ..scene.model import FlexRecModel


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


class PointArg(Annotation):
    """A point of latent space: numbers with commas between them, as ``0.4,-0.2``."""

    name = "numbers with commas between them"

    @classmethod
    def parse(cls, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        token, used, rest = next_token(text)
        try:
            return tuple(float(word) for word in token.split(",")), used, rest
        except ValueError:
            raise AnnotationError("Expected numbers with commas between them, such as 0.4,-0.2") from None

    @classmethod
    def unparse(cls, value, session=None) -> str:
        """As it is typed."""
        return point_text(value)


class AnchorArg(Annotation):
    """Points as `explore.anchors.read_anchors` takes them: ``0.4,-0.2``, ``p12``, ``c3``, ``s:open``, or several."""

    name = "a latent point (numbers with commas, p12, c3 or s:name)"
    _word = re.compile(r"s:.+|[pc]\d+|[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)

    @classmethod
    def parse(cls, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        if not text:
            raise AnnotationError(f"Expected {cls.name}")
        token, used, rest = next_token(text)
        if not all(cls._word.fullmatch(word.strip()) for word in token.strip(" ,").split(",")):
            raise AnnotationError(f"Expected {cls.name}")
        return token, used, rest


def model_keyword() -> tuple:
    """The keyword ``model``."""
    return ("model", FlexRecModelArg)


def the_model(session, model: FlexRecModel | None) -> FlexRecModel:
    """``model``, or the only FlexRec model that is open."""
    if model is not None:
        return model
    found = session.models.list(type=FlexRecModel)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"#{one.id_string}" for one in found)
        raise InputError(f"there are several FlexRec models ({ids}); add model and one of them.")
    raise InputError("no FlexRec model is open; open one with flexrec open, or try flexrec demo.")
