"""The reference pages say what the declarations say."""

from __future__ import annotations

import importlib
import re

import pytest
from chimerax.flexrec.actions.action_pages import pages
from chimerax.flexrec.jobs.reference import reference_page, write_pages
from chimerax.flexrec.jobs.registry import VERBS, all_jobs, find_job
from counting_job import COUNT


def test_a_page_has_every_parameter_with_default_unit_and_bounds():
    page = reference_page(COUNT)
    assert "| `--steps` | how far to count | default: 5 steps; from 1 to 10000 steps |" in page
    assert "| `--before` | an earlier count | default: the newest finished count job |" in page
    assert page.index("## Advanced parameters") < page.index("`--origin`")


def test_the_pages_in_docs_are_current(repository):
    written = {path.name: path.read_text(encoding="utf-8") for path in (repository / "docs/reference").glob("*.md")}
    assert written == pages(), "run `make docs`"


def test_pages_of_jobs_that_are_no_more_are_removed(tmp_path):
    (tmp_path / "old.md").touch()
    write_pages(tmp_path, pages())
    assert {path.name for path in tmp_path.iterdir()} == set(pages())


@pytest.mark.parametrize("job", all_jobs(), ids=lambda job: job.verb)
def test_every_job_is_declared_soundly(job):
    assert job.verb in VERBS and find_job(job.verb) is job and job.synopsis
    module = importlib.import_module(job.run.partition(":")[0], package="chimerax.flexrec.jobs")
    assert callable(getattr(module, job.run.partition(":")[2]))
    for option in job.options():
        assert option.help and re.fullmatch(r"[a-z][a-z0-9_]*", option.name), option
        taken = ("project", "seed", "resume", "background", "verb", "command", "job", "more")
        assert option.name not in taken, "taken by every job"
        if not (option.required or option.default is None or option.job):
            assert option.check(option.default) == option.default
