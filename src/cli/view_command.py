"""``flexrec view``: the panel outside ChimeraX."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import InputError


def add_view(commands: Any) -> None:
    """The command ``view``."""
    about = "look at a trained model: the plot of its latents, and slices of the map at any point of it"
    parser = commands.add_parser("view", help=about, description=about, allow_abbrev=False)
    parser.add_argument("path", metavar="PROJECT", nargs="?", help="a project or a train job (default: this folder)")
    parser.set_defaults(command=show_panel)


def show_panel(chosen: argparse.Namespace) -> int:
    """``flexrec view PROJECT``; returns when the window is closed."""
    try:
        from ..viewer.viewer_window import view
    except ImportError:
        raise InputError("the window needs Qt, which this Python has not; install it by: pip install "
                         "'ChimeraX-FlexRec[panel]', or pip install PySide6 qtpy matplotlib.") from None  # fmt: skip
    return view(Path(chosen.path or "."))
