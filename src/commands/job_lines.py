"""Jobs in the Log: lines with links to click, plain lines where there is no window."""

from __future__ import annotations

from html import escape
from pathlib import Path

from chimerax.core.commands import quote_path_if_necessary

from ..jobs.find_model import MODEL
from ..jobs.listing import JobState, details, job_lines
from ..jobs.reconstruct.reconstruct_parameters import first_map
from ..jobs.reconstruct.reconstructed_files import COLOURED, colours_of, is_reconstruction
from ..jobs.record import DONE, FAILED, QUEUED, RUNNING, STOPPED
from ..jobs.reports.report_files import HTML
from .tables import link


def say(session, text: str, *links: str) -> None:
    """Tell something in the Log, with links where there is a window to click in."""
    if session.ui.is_gui:
        session.logger.info(" · ".join([escape(text), *filter(None, links)]), is_html=True)
    else:
        session.logger.info(text)


def job_link(word: str, folder: Path, text: str = "", more: str = "") -> str:
    """A link to ``flexrec WORD JOB more``."""
    return link(text or word, f"flexrec {word} {quote_path_if_necessary(str(folder))} {more}".rstrip())


def open_link(folder: Path) -> str:
    """Links that open a job's model, or its map, of a reconstruction coloured too; empty where it has neither."""
    if (folder / MODEL).is_file():
        return job_link("open", folder)
    if is_reconstruction(folder) and first_map(folder).is_file():
        can = colours_of(folder)
        coloured = (job_link("maps", folder, f"by {colour}", f"color {colour}") for colour in COLOURED if colour in can)
        return " ".join([job_link("maps", folder, "open map"), *coloured])
    if first_map(folder).is_file():
        path, name = (quote_path_if_necessary(str(word)) for word in (first_map(folder), folder.name))
        return link("open map", f"open {path} name {name}")
    return ""


def say_started(session, folder: Path) -> None:
    """Say that a job was put in the queue."""
    links = (job_link(word, folder) for word in ("watch", "log", "stop"))
    everything = link("all jobs", f"flexrec jobs project {quote_path_if_necessary(str(folder.parent))}")
    say(session, f"{folder.name} in {folder.parent}", *links, everything)


def say_jobs(session, project: Path, states: list[JobState]) -> None:
    """The jobs of a project: a table with links, or lines."""
    if not states:
        session.logger.info(f"{project}: no jobs yet")
    elif session.ui.is_gui:
        rows = "".join(_row(state) for state in states)
        head = "<tr><th>job</th><th>state</th><th></th><th></th></tr>"
        session.logger.info(f"{escape(str(project))}<table border=1 cellpadding=3 cellspacing=0>{head}{rows}</table>",
                            is_html=True)  # fmt: skip
    else:
        session.logger.info("\n".join(job_lines(project)))


def _row(state: JobState) -> str:
    what = details(state)
    on = f" [{state.device}]" if state.device and state.state in (RUNNING, QUEUED) else ""
    cells = (escape(state.folder.name), escape(state.state), escape(what + on), " ".join(_links(state)))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _links(state: JobState) -> list[str]:
    words = {RUNNING: ("watch", "stop"), QUEUED: ("stop",), STOPPED: ("resume",), FAILED: ("resume",), DONE: ()}
    links = [job_link(word, state.folder) for word in ("log", *words.get(state.state, ()))]
    report = job_link("report", state.folder) if (state.folder / HTML).is_file() else ""
    return [*links, *filter(None, [open_link(state.folder), report])]
