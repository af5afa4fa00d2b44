"""Jobs without their pictures, for the tests that look at none: drawing takes most of a small job's time.

A test file with ``pytestmark = pytest.mark.blank_pictures()`` has jobs that do all but render: every figure is built,
and what is written is white. ``blank_pictures("gain agreement")`` draws gain.png and agreement.png nevertheless, and
``"report"`` the pages of report.pdf; ``with drawn_pictures():`` all that is written meanwhile. It is so in the test's
own process and in those that it starts with its environment.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import pytest
from child_start import white_pictures


@pytest.fixture(scope="module", autouse=True)
def drawn_pictures(request):
    """What draws every picture of a file that is marked to have blank ones."""
    mark = request.node.get_closest_marker("blank_pictures")
    if mark is None:
        yield nullcontext
        return
    from matplotlib.figure import Figure

    names, render = " ".join(mark.args), Figure.savefig

    @contextmanager
    def drawn():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Figure, "savefig", render)
            patch.delenv(white_pictures.NAMES)
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", white_pictures.white_savefig(Figure, names))
        for name, value in white_pictures.environment(names).items():
            patch.setenv(name, value)
        yield drawn
