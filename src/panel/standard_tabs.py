"""The tabs that every panel has beside its own."""

from __future__ import annotations

from .job_desk import JobDesk
from .jobs_tab import JobsTab
from .scene import Scene, quoted
from .window import Tab


def standard_tabs(desk: JobDesk) -> list[Tab]:
    """Titles and makers, in their order."""
    return [("Jobs", lambda scene: make_jobs(scene, desk))]


def make_jobs(scene: Scene, desk: JobDesk) -> JobsTab:
    """The jobs of the project whose model is open; what is shown keeps up with a model that learns."""
    tab = JobsTab(desk)

    def find_project() -> None:
        if tab.project is None and scene.trained is not None:
            tab.set_project(scene.trained.project)

    find_project()
    scene.on_change(find_project)
    tab.checkpoint.connect(scene.renew)
    tab.model_asked.connect(lambda folder: scene.run(f"flexrec open {quoted(str(folder))}"))
    return tab
