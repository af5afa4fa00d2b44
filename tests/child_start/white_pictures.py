"""White pictures in place of figures, in this process and in those that it starts; see tests/blank_pictures.py.

It may import nothing that takes long: processes of tests that draw nothing import it as well.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
NAMES = "FLEXREC_TESTS_DRAW"  # in the environment: the pictures that are drawn nevertheless; unset, all are


def environment(names: str) -> dict[str, str]:
    """What has the processes that are started draw the pictures of these names alone."""
    path = [HERE, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {NAMES: names, "PYTHONPATH": os.pathsep.join(path)}


def whiten_when_loaded() -> None:
    """Have matplotlib, once it is loaded, draw what the environment says."""
    if NAMES in os.environ:
        sys.meta_path.insert(0, _Whitened())


class _Whitened:
    """Finds matplotlib.figure as all others do, and whitens it."""

    def find_spec(self, name: str, path: object = None, target: object = None):
        if name != "matplotlib.figure":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_and_whiten(module):
            load(module)
            module.Figure.savefig = white_savefig(module.Figure, os.environ[NAMES])

        spec.loader.exec_module = load_and_whiten
        return spec


def white_savefig(kind: type, names: str) -> Callable[..., None]:
    """What writes figures of this kind white, and draws those whose names are among ``names``."""
    drawn, render = set(names.split()), kind.savefig

    def savefig(figure, file: object, **words: object) -> None:
        if _name(file) is None or _name(file) in drawn:
            render(figure, file, **words)
        elif isinstance(file, str | os.PathLike):
            _white(figure).save(file, format="png")
        else:
            render(kind(figsize=(1, 1)), file, **words)

    return savefig


def _name(file: object) -> str | None:
    """What a picture is called, whatever it is called until it is whole; None of one that is written to memory."""
    from matplotlib.backends.backend_pdf import PdfPages

    if isinstance(file, PdfPages):
        return "report"
    return re.match(r"\.*([^.]*)", Path(file).name)[1] if isinstance(file, str | os.PathLike) else None


def _white(figure):
    from PIL import Image

    return Image.new("L", tuple(map(round, figure.get_size_inches() * figure.dpi)), 255)
