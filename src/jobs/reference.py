"""Reference pages of all jobs, written from their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING
from pathlib import Path

from ..atomic import atomic_path
from ..parameters import Parameter, bounds_text
from .declare import Job
from .registry import all_jobs


def describe_value(option: Parameter) -> str:
    """What may be given: ``20 cells; from 4 to 80 cells``."""
    parts = [_default_text(option), bounds_text(option), option.form.name if option.form else ""]
    if option.example:
        parts.append(f"such as {option.example}")
    if option.choices:
        parts.append("one of: " + ", ".join(str(choice) for choice in option.choices))
    return "; ".join(filter(None, parts))


def _default_text(option: Parameter) -> str:
    if option.required:
        return "required" + (f", in {option.unit}" if option.unit else "")
    if option.default is MISSING or (option.job and option.newest and option.default is None):
        return f"default: the newest finished {' or '.join(option.job)} job"
    unit = f" {option.unit}" if option.unit else ""
    if option.default in (None, "", ()):
        return f"optional{unit and ', in'}{unit}"
    return f"default: {_value_text(option.default)}{unit}"


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(_value_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


_COMMON = "`--project`, `--seed`, `--resume`, `--background` and `--cluster` work as [for every job](index.md)."


def reference_page(job: Job) -> str:
    """The Markdown page of one job."""
    usage = f"    flexrec {job.verb}{words_text(job)}{_required_text(job.options())} [options]"
    lines = [f"# flexrec {job.verb}", "", job.synopsis, "", usage, ""]
    for title, options in under_headings(job.options()).items():
        lines += _table(title, options)
    lines += [_COMMON, ""]
    return "\n".join(lines)


def under_headings(options: Iterable[Parameter]) -> dict[str, list[Parameter]]:
    """Parameters under the headings that every list of them has: the advanced ones last, each part's together."""
    headings: dict[tuple[bool, str], list[Parameter]] = {}
    for option in options:
        headings.setdefault((option.advanced, option.group), []).append(option)
    order = sorted(headings, key=lambda heading: (heading[0], bool(heading[1])))  # parts in the order of the options
    named = {(advanced, group): f"{'Advanced parameters' if advanced else 'Parameters'}{group and ' of the '}{group}"
             for advanced, group in order}  # fmt: skip
    return {named[heading]: headings[heading] for heading in order}


def words_text(job: Job) -> str:
    """What may stand without its name, as usages have it: `` [TEST]``."""
    return "".join(f" [{option.name.upper()}]" for option in job.options() if option.positional)


def _required_text(options: Iterable[Parameter]) -> str:
    return "".join(f" {option.option} …" for option in options if option.required)


def _table(title: str, options: list[Parameter]) -> list[str]:
    rows = [f"| `{option.option}` | {cell(option.help)} | {cell(describe_value(option))} |" for option in options]
    return [f"## {title}", "", "| option | what it does | values |", "| --- | --- | --- |", *rows, ""]


def cell(text: str) -> str:
    """Text as a table's cell takes it."""
    return text.replace("|", "\\|")


def index_page() -> str:
    """The page that lists all jobs and what they have in common."""
    rows = [f"| [{job.verb}]({job.verb}.md) | {cell(job.synopsis)} |" for job in all_jobs()]
    return "\n".join([_INTRODUCTION, "| job | does |", "| --- | --- |", *rows, ""])


_INTRODUCTION = """# The jobs

These pages are written from the jobs' declarations by `make docs`. What acts at once has [a page of its
own](actions.md).

Every job makes one folder `NNN-verb` in its project folder. In it, `job.json` says what was asked, `status.json` what
became of it, `log.txt` what a person reads and `progress.jsonl` how far it is; the rest are its outputs.

| option of every job | does |
| --- | --- |
| `--project DIR` | the project folder (default: the current folder) |
| `--seed N` | seed of all random numbers (default: 0) |
| `--resume JOB` | goes on with a job that was stopped, failed or was killed, with the parameters it began with |
| `--background` | queues the job and returns at once: see [jobs in the background](../jobs.md) |
| `--cluster slurm` | gives the job to a cluster and returns at once: see [jobs on a cluster](../jobs.md#on-a-cluster) |
| `--template FILE`, `--cluster-set NAME=VALUE` | the batch script's template, and what to put in its fields |

Where a job wants another job, give its number (`3`), its name (`003-train`) or a path. Tuples are comma lists
(`--at 0.5,-1`), and `none` unsets an optional value. Ctrl-C stops a job so that it can be resumed. The exit status is 0
when the job is done, 1 when it failed, 2 when something was wrong with what you gave it, and 130 when it was stopped.
"""


def job_pages() -> dict[str, str]:
    """File name and text of every job's page, and of that which lists them."""
    return {"index.md": index_page(), **{f"{job.verb}.md": reference_page(job) for job in all_jobs()}}


def write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Write pages by their file names, and remove those of verbs that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    for stale in set(folder.glob("*.md")) - {folder / name for name in pages}:
        stale.unlink()
