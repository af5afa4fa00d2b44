"""Jobs without their pictures, for the tests that look at none: drawing takes most of a small job's time.

A test file with ``pytestmark = pytest.mark.blank_pictures()`` has jobs that do all but render: every figure is built,
and what is written is white. ``blank_pictures("gain agreement")`` draws gain.png and agreement.png nevertheless, and
``"report"`` the pages of report.pdf; ``with drawn_pictures():`` all that is written meanwhile. Only what runs in the
test's own process is meant; jobs in processes of their own draw as ever.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest


@pytest.fixture(scope="module", autouse=True)
def drawn_pictures(request):
    """What draws every picture of a file that is marked to have blank ones."""
    mark = request.node.get_closest_marker("blank_pictures")
    if mark is None:
        yield nullcontext
        return
    from matplotlib.figure import Figure

    names, render = set(" ".join(mark.args).split()), Figure.savefig

    @contextmanager
    def drawn():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Figure, "savefig", render)
            yield

    def savefig(figure: Figure, file: object, **words: object) -> None:
        if _name(file) is None or _name(file) in names:
            render(figure, file, **words)
        elif isinstance(file, str | os.PathLike):
            _white(figure).save(file, format="png")
        else:
            render(Figure(figsize=(1, 1)), file, **words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", savefig)
        yield drawn


def _name(file: object) -> str | None:
    """What a picture is called, whatever it is called until it is whole; None of one that is written to memory."""
    from matplotlib.backends.backend_pdf import PdfPages

    if isinstance(file, PdfPages):
        return "report"
    return re.match(r"\.*([^.]*)", Path(file).name)[1] if isinstance(file, str | os.PathLike) else None


def _white(figure):
    from PIL import Image

    return Image.new("L", tuple(map(round, figure.get_size_inches() * figure.dpi)), 255)
