"""Write the report of a job into its folder, again whenever it is asked for."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from ...atomic import atomic_path
from ...errors import InputError
from ...figures.report_html import html_page
from ...figures.report_page import Page
from ...figures.report_pdf import write_pdf
from ..job_folder import JobRun
from ..record import read_record
from .diagnose_report import diagnose_page
from .reconstruction_report import reconstruction_page
from .report_files import HTML, PDF
from .training_report import training_page

PAGES: dict[str, Callable[[Path], Page]] = {
    "train": training_page, "reconstruct": reconstruction_page, "diagnose": diagnose_page,
}  # fmt: skip
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def report_page(folder: Path, verb: str | None = None) -> Page:
    """What the report of a job of this ``verb`` says, or of that which its record names.

    ``InputError`` where its kind has none, or it has nothing to tell yet.
    """
    verb = read_record(folder)["verb"] if verb is None else verb
    if verb not in PAGES:
        raise InputError(f"{folder.name} is a {verb} job, which has no report; {', '.join(PAGES)} jobs have one.")
    return PAGES[verb](folder)


def write_report(folder: Path, verb: str | None = None) -> tuple[Path, Page]:
    """Write report.html and report.pdf; the first one's path, and what both say. ``verb`` as for `report_page`.

    In a folder that may only be read, the report that is there is left as it is.
    """
    page = report_page(folder, verb)
    try:
        with atomic_path(folder / HTML) as temporary:
            temporary.write_text(html_page(page), encoding="utf-8")
        with atomic_path(folder / PDF) as temporary:
            write_pdf(temporary, page)
    except OSError as error:
        if error.errno not in _READ_ONLY or not (folder / HTML).is_file():
            raise
    return folder / HTML, page


def report(job: JobRun, verb: str) -> None:
    """Write the report of a job that is at its end, and say in its log what it says.

    What it has found is written already, and is not lost for a report that could not be.
    """
    try:
        path, page = write_report(job.folder, verb)
    except (InputError, OSError) as error:
        job.log(f"The report could not be written: {error}")
    else:
        job.log(f"{page.sentence} ({path.name} and {PDF} tell more.)")


def report_again(folder: Path, job: JobRun) -> None:
    """Write another job's report again, to which ``job`` has added something to tell."""
    try:
        write_report(folder)
    except (InputError, OSError) as error:
        job.log(f"The report of {folder.name} could not be written again: {error}")
    else:
        job.log(f"The report of {folder.name} was written again with this test.")
