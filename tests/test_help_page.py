"""The help page has every command and says what the declarations say; bundle_info.xml names the same commands."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from chimerax.flexrec.actions.action import CHIMERAX
from chimerax.flexrec.actions.action_registry import host_actions
from chimerax.flexrec.actions.help_sections import renewed
from chimerax.flexrec.actions.write_docs import renewed_bundle
from chimerax.flexrec.jobs.registry import all_jobs

PAGE = "src/docs/user/commands/flexrec.html"
_OPEN = {"meta", "link", "br", "p"}  # HTML elements that nobody need close


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def commands(repository) -> list[tuple[str, str, str]]:
    """Words, category and synopsis of each classifier of a command."""
    bundle = ElementTree.parse(repository / "bundle_info.xml").getroot()
    lines = [item.text.split(" :: ") for item in bundle.iterfind("Classifiers/ChimeraXClassifier")]
    assert all(len(line) == 4 and line[0] in ("Command", "Tool") for line in lines)
    return [(words, category, synopsis) for kind, words, category, synopsis in lines if kind == "Command"]


class _Elements(HTMLParser):
    """Which elements stand open, what is linked to, and what can be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.targets: list[str] = []
        self.anchors: Counter = Counter()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        found = dict(attributes)
        self.anchors.update(filter(None, (found.get("id"), found.get("name") if tag == "a" else None)))
        self.targets += [found["href"]] if found.get("href", "").startswith("#") else []
        if tag not in _OPEN:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _OPEN:
            assert self.open and self.open.pop() == tag, (tag, self.getpos())


def test_the_jobs_and_actions_on_the_help_page_are_current(page):
    assert renewed(page) == page, "run `make docs`"
    for job in all_jobs():
        for option in job.options():
            assert f"<b>{option.word}</b>" in page


def test_the_actions_of_the_bundle_say_what_their_declarations_say(commands):
    said = {words: synopsis for words, _, synopsis in commands}
    actions = host_actions(CHIMERAX)
    assert {f"flexrec {words}": action.synopsis for words, action in actions.items()}.items() <= said.items()
    assert len(said) == len(actions) + len(all_jobs()) - 1  # mesh is both


def test_the_commands_of_the_bundle_are_current(repository):
    text = (repository / "bundle_info.xml").read_text(encoding="utf-8")
    assert renewed_bundle(text) == text, "run `make docs`"


def test_the_help_page_is_whole_and_its_links_lead_somewhere(page):
    elements = _Elements(page)
    assert elements.open == []
    assert [name for name, count in elements.anchors.items() if count > 1] == []
    assert {target[1:] for target in elements.targets} <= set(elements.anchors)


def test_every_command_has_its_place_on_the_help_page(page, commands):
    anchors = set(_Elements(page).anchors)
    assert [words for words, *_ in commands if "-".join(words.split()[1:]) not in anchors] == []


def test_every_command_is_named_once_with_a_synopsis(commands):
    names = Counter(words for words, *_ in commands)
    assert [name for name, count in names.items() if count > 1] == []
    for words, category, synopsis in commands:
        assert re.fullmatch(r"flexrec( [a-z]+)+", words) and category == "Volume data"
        assert synopsis[0].isupper() and not synopsis.endswith((".", " ")) and len(synopsis) < 120
    assert {f"flexrec {job.verb}" for job in all_jobs()} <= set(names)


def test_toolbar_buttons_have_their_pictures_and_run_commands_that_there_are(repository, commands):
    bundle = ElementTree.parse(repository / "bundle_info.xml").getroot()
    toolbar = next(one for one in bundle.iterfind("Providers") if one.get("manager") == "toolbar")
    buttons = {one.get("name"): one for one in toolbar.iterfind("Provider") if one.get("section")}
    source = (repository / "src/commands/toolbar.py").read_text(encoding="utf-8")
    runs = dict(re.findall(r'"([a-z]+)": "(flexrec [a-z ]+)"', source))
    assert set(runs) == set(buttons) and set(runs.values()) <= {words for words, *_ in commands}
    for button in buttons.values():
        picture: Path = repository / "src/icons" / button.get("icon")
        assert picture.read_bytes()[16:24] == (64).to_bytes(4, "big") * 2, picture
