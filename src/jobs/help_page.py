"""The jobs' part of ChimeraX's help page, written from their declarations.

``python -m chimerax.flexrec.jobs.help_page PAGE`` writes it between two marks of the page; the rest is written by hand.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from ..atomic import atomic_path
from ..parameters import Parameter
from .declare import Job
from .reference import describe_value, under_headings
from .registry import all_jobs

BEGIN, END = "<!-- jobs: written by make docs -->\n", "<!-- end of jobs -->\n"
_SHOWS_TOO = {"mesh": 'Without any of these, <a href="#mesh"><b>flexrec mesh</b></a> shows the mesh of an open model.'}


def word(name: str) -> str:
    """A parameter as it is typed in ChimeraX: ``latentDims``."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def jobs_part() -> str:
    """HTML of all jobs."""
    return "".join(_section(job) for job in all_jobs())


def _section(job: Job) -> str:
    anchor = f"{job.verb}-job" if job.verb in _SHOWS_TOO else job.verb
    needed = "".join(f" <b>{word(one.name)}</b> <i>{_kind(one)}</i>" for one in job.options() if one.required)
    lines = [
        f'<h4 id="{anchor}">flexrec {job.verb}: a job</h4>',
        f"<blockquote>Usage: <b>flexrec {job.verb}</b>{needed} [ <i>parameters</i> ] [ <b>project</b> <i>folder</i> ] "
        "[ <b>seed</b> <i>N</i> ]</blockquote>",
        f"<p>{escape(job.synopsis)}. {_SHOWS_TOO.get(job.verb, '')}</p>",
    ]
    for title, options in under_headings(job.options()).items():
        lines += ([] if title == "Parameters" else [f"<p>{title}:</p>"]) + [_table(options)]
    return "\n".join(lines) + "\n"


def _kind(option: Parameter) -> str:
    return "job" if option.job else {int: "N", float: "X", str: "word", Path: "file", bool: "true | false"}[option.type]


def _table(options: list[Parameter]) -> str:
    rows = [
        f"<tr><td><b>{word(one.name)}</b></td><td>{escape(_in_chimerax(one.help))}</td>"
        f"<td>{escape(describe_value(one))}</td></tr>"
        for one in options
    ]
    return "\n".join(['<table class="borders">', *rows, "</table>"])


def _in_chimerax(text: str) -> str:
    """Help with the terminal's options (``--initial-latents``) as ChimeraX's words."""
    words = [word(part[2:].replace("-", "_")) if part.startswith("--") else part for part in text.split(" ")]
    return " ".join(words)


def renewed(page: str) -> str:
    """The page with the jobs as they are declared now; ``ValueError`` where it lacks the marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + jobs_part() + END + after


def main(words: list[str]) -> None:
    """Renew the page that is named."""
    path = Path(words[0])
    text = renewed(path.read_text(encoding="utf-8"))
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
