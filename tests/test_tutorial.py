"""The commands that stand in the tutorial are read by the program that they are said to be for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
from chimerax.flexrec.cli.program import _parse

PAGE = "docs/tutorial.md"
CHIMERAX, TERMINAL = "in ChimeraX", "in a terminal"


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / PAGE).read_text(encoding="utf-8")


def commands(page: str) -> Iterator[tuple[str, str]]:
    """Where it is typed, and the command: of the tables by the heading of the column, of the rest any of both."""
    columns: list[str] = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            columns = []
            yield from (("", command) for command in re.findall(r"(?:^    |`)(flexrec [^`]*)", line))
        elif not columns:
            columns = cells
        else:
            yield from ((column, command) for column, cell in zip(columns, cells, strict=True)
                        for command in re.findall(r"`((?:flexrec|open) [^`]*)`", cell))  # fmt: skip


def is_read_in_a_terminal(command: str) -> bool:
    try:
        _parse(shlex.split(command, comments=True)[1:])
    except (Exception, SystemExit):
        return False
    return True


def test_commands_for_the_terminal_are_read_there(page):
    found = [command for where, command in commands(page) if where == TERMINAL]
    assert len(found) > 15 and [command for command in found if not is_read_in_a_terminal(command)] == []


def test_commands_for_chimerax_are_read_there(page, chimerax):
    found = [(where, command) for where, command in commands(page) if where != TERMINAL]
    assert len(found) > 25
    unread = chimerax.run(f"""
import os
from chimerax.core.commands import Command
run("flexrec demo")
result["unread"] = []
for where, command in {found!r}:
    try:
        Command(session).run(command.replace("~/", os.getcwd() + "/"), log=False, log_only=True)
    except UserError as error:
        result["unread"].append([where, command, str(error)])
""")["unread"]
    assert [each for each in unread if each[0] or not is_read_in_a_terminal(each[1])] == []


def test_links_and_pictures_lead_somewhere(page, repository):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page)
    assert [target for target in targets if not (repository / "docs" / target).exists()] == []
