"""Arguments of the commands: which model, and each declared parameter, read within its bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from chimerax.atomic import AtomicStructuresArg
from chimerax.core.commands import (
    Annotation,
    AnnotationError,
    BoolArg,
    ColorArg,
    EnumOf,
    FileNameArg,
    ModelArg,
    OpenFileNameArg,
    OpenFolderNameArg,
    RepeatOf,
    SaveFileNameArg,
    SaveFolderNameArg,
    StringArg,
)
from chimerax.core.commands.cli import next_token

from ..actions.text_forms import COLOUR, STRUCTURES
from ..errors import InputError
from ..parameters import READ, READ_FOLDER, WRITE, WRITE_FOLDER, Parameter, value_words
from ..scene.scene_model import FlexRecModel


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


class DeclaredArg(Annotation):
    """One declared parameter of an action, read as in the terminal."""

    unset = False  # whether ``none`` is None

    def __init__(self, option: Parameter) -> None:
        super().__init__(value_words(option))
        self.option = option

    def parse(self, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        if not text:
            raise AnnotationError(f"Expected {self.name}")
        token, used, rest = self.token(text, session)
        try:
            return self.option.parse(token, self.unset), used, rest
        except InputError as error:
            raise AnnotationError(self.complaint(error)) from None

    def token(self, text: str, session) -> tuple:
        """The next word, what was used of the text, and its rest."""
        return next_token(text)

    def complaint(self, error: InputError) -> str:
        """What is said of a word that is none."""
        return f"Expected {self.name}"

    def unparse(self, value: Any, session=None) -> str:
        """As it is typed."""
        return str(value)


class JobArg(DeclaredArg):
    """One declared parameter of a job."""

    unset = True

    def token(self, text: str, session) -> tuple:
        """A file may be browsed for."""
        token, used, rest = next_token(text)
        if token == "browse" and self.option.type is Path and not self.option.job:
            return OpenFileNameArg.parse(text, session)
        return token, used, rest

    def complaint(self, error: InputError) -> str:
        """The terminal's sentence."""
        return str(error).rstrip(".")


class HexColorArg(ColorArg):
    """A colour, as ``#d62728``."""

    @classmethod
    def parse(cls, text: str, session) -> tuple:
        """See ``Annotation.parse``."""
        colour, used, rest = super().parse(text, session)
        return "#{:02x}{:02x}{:02x}".format(*colour.uint8x4()[:3]), used, rest


_FILES = {READ: OpenFileNameArg, WRITE: SaveFileNameArg, READ_FOLDER: OpenFolderNameArg,
          WRITE_FOLDER: SaveFolderNameArg, "": FileNameArg}  # fmt: skip
_FORMS = {COLOUR: HexColorArg, STRUCTURES: AtomicStructuresArg}


def annotation(option: Parameter) -> Any:
    """What reads a parameter of an action on ChimeraX's command line."""
    if option.repeated:
        return RepeatOf(annotation(replace(option, repeated=False, many=False)))
    if option.form in _FORMS:
        return _FORMS[option.form]
    if option.choices:
        return EnumOf(option.choices)
    if option.many or option.form is not None or option.type in (int, float):
        return DeclaredArg(option)
    return _FILES[option.path] if option.type is Path else BoolArg if option.type is bool else StringArg


def job_annotation(option: Parameter) -> Any:
    """What reads a parameter of a job."""
    if option.choices and not option.many:
        return EnumOf(option.choices)
    if option.type is bool and not option.many and not option.optional:
        return BoolArg
    return JobArg(option)


def open_models(session) -> list[FlexRecModel]:
    """Those of a session, in the order in which they were opened."""
    return session.models.list(type=FlexRecModel)


def the_model(session, model: FlexRecModel | None) -> FlexRecModel:
    """``model``, or the only FlexRec model that is open."""
    if model is not None:
        return model
    models = open_models(session)
    if len(models) == 1:
        return models[0]
    if models:
        ids = ", ".join(f"#{one.id_string}" for one in models)
        raise InputError(f"there are several FlexRec models ({ids}); add model and one of them.")
    raise InputError("no FlexRec model is open; open one with flexrec open, or try flexrec demo.")
