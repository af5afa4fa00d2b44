"""What the panel offers to its tabs and actions, and what it calls in a tab: neither has to know the window."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from qtpy.QtWidgets import QWidget

from .jobs.jobs_panel import JobsPanel
from .panel_scene import Scene
from .plot.plot_view import PlotView
from .tabs.play_bar import PlayBar
from .tabs.sliders_tab import SlidersTab


class PanelServices(Protocol):
    """The panel, as its parts see it; it is a ``QWidget``, and the parent of the windows that they open.

    Attributes
    ----------
    scene : what runs commands. plot : the plot of latent space. jobs : the project's jobs.
    sliders, bar : of the latent axes, and for playing a path.
    """

    scene: Scene
    plot: PlotView
    jobs: JobsPanel
    sliders: SlidersTab
    bar: PlayBar

    def shown_point(self) -> np.ndarray:
        """The latent point ``(K,)`` that is shown; the particles' median while the map at rest is."""
        ...

    def say(self, sentence: str) -> None:
        """A sentence for the user, over the plot."""
        ...

    def complain(self, sentence: str) -> None:
        """What went wrong, where the user looks."""
        ...

    def show_jobs(self) -> None:
        """Show the window of jobs."""
        ...

    def show_help(self) -> None:
        """Show the page that explains the panel."""
        ...

    def show_compared(self) -> None:
        """Show the window of a second model of the same particles."""
        ...

    def choose_project(self) -> None:
        """Ask for a project's folder, and open it."""
        ...


class PanelTab(QWidget):
    """A page beside the plot; the panel calls both methods."""

    def refresh(self) -> None:
        """The scene shows another model, point, path or comparison."""

    def refresh_files(self) -> None:
        """Once a second: the project's files may be others than they were."""
