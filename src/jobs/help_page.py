"""The jobs' part of ChimeraX's help page, written from their declarations between two marks of the page."""

from __future__ import annotations

from html import escape

from ..parameters import Parameter, short_words, typed
from .declare import Job
from .reference import describe_value, under_headings
from .registry import all_jobs

JOBS = "jobs"  # the marks between which they stand
_SHOWS_TOO = {"mesh": 'Without any of these, <a href="#mesh"><b>flexrec mesh</b></a> shows the mesh of an open model.'}


def jobs_part() -> str:
    """HTML of all jobs."""
    return "".join(_section(job) for job in all_jobs())


def _section(job: Job) -> str:
    free = "".join(f" [ <i>{one.word}</i> ]" for one in job.options() if one.positional)
    needed = free + "".join(f" <b>{one.word}</b> <i>{short_words(one)}</i>" for one in job.options() if one.required)
    lines = [
        f'<h4 id="{anchor(job)}">flexrec {job.verb}: a job</h4>',
        f"<blockquote>Usage: <b>flexrec {job.verb}</b>{needed} [ <i>parameters</i> ] [ <b>project</b> <i>folder</i> ] "
        "[ <b>seed</b> <i>N</i> ]</blockquote>",
        f"<p>{escape(job.synopsis)}. {_SHOWS_TOO.get(job.verb, '')}</p>",
    ]
    for title, options in under_headings(job.options()).items():
        lines += ([] if title == "Parameters" else [f"<p>{title}:</p>"]) + [parameter_table(options)]
    return "\n".join(lines) + "\n"


def anchor(job: Job) -> str:
    """Of a job's section."""
    return f"{job.verb}-job" if job.verb in _SHOWS_TOO else job.verb


def parameter_table(options: list[Parameter]) -> str:
    """HTML of what parameters do, and what they may be."""
    rows = [
        f"<tr><td><b>{one.word}</b></td><td>{escape(_in_chimerax(one.help))}</td>"
        f"<td>{escape(describe_value(one))}</td></tr>"
        for one in options
    ]
    return "\n".join(['<table class="borders">', *rows, "</table>"])


def _in_chimerax(text: str) -> str:
    """Help with the terminal's options (``--initial-latents``) as ChimeraX's words."""
    words = [typed(part[2:].replace("-", "_")) if part.startswith("--") else part for part in text.split(" ")]
    return " ".join(words)


def renewed(page: str) -> str:
    """The page with the jobs as they are declared now; ``ValueError`` where it lacks the marks."""
    return marked(page, JOBS, jobs_part())


def marked(page: str, name: str, text: str) -> str:
    """The page with ``text`` between the marks of that name."""
    begin, end = f"<!-- {name}: written by make docs -->\n", f"<!-- end of {name} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"the page lacks the lines {begin.strip()} and {end.strip()}, between which {name} stand.")
    before, rest = page.split(begin)
    return before + begin + text + end + rest.split(end)[1]
