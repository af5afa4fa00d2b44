"""The actions' part of ChimeraX's help page, written from their declarations, and the list of all commands.

They stand, as the jobs' part, between marks of the page; the rest is written by hand.
"""

from __future__ import annotations

import re
from html import escape

from ..jobs import help_page
from ..jobs.registry import all_jobs
from .action import CHIMERAX, Action
from .action_registry import all_actions, sections
from .action_usage import Part, usage_parts

INDEX = "index"


def renewed(page: str) -> str:
    """The page with jobs and actions as they are declared now; ``ValueError`` where it lacks a mark."""
    page = help_page.marked(help_page.renewed(page), INDEX, _index())
    for title, actions in sections(CHIMERAX).items():
        page = help_page.marked(page, title, "\n".join(_section(action) for action in actions))
    return page


def anchor(words: str) -> str:
    """Of an action's or a job's section."""
    return "-".join(words.split())


def _index() -> str:
    jobs = ", ".join(_link(help_page.anchor(job), job.verb) for job in all_jobs())
    lines = [f"{title}: {_links(actions)}." for title, actions in sections(CHIMERAX).items()]
    return "<p>" + "\n<br>".join([*lines, f"Make a model: {jobs}."]) + "</p>\n"


def _links(actions: list[Action]) -> str:
    first = {action.words.split()[0]: action for action in reversed(actions)}  # save atoms is listed as such, alone
    return ", ".join(_link(anchor(action.words), word if word != "save" else action.words)
                     for word, action in reversed(first.items()))  # fmt: skip


def _link(target: str, text: str) -> str:
    return f'<a href="#{target}">{text}</a>'


def _section(action: Action) -> str:
    usage = " ".join([f"<b>flexrec {action.words}</b>", *map(_usage, usage_parts(action))])
    lines = [
        f'<h4 id="{anchor(action.words)}">flexrec {action.words}</h4>',
        f"<blockquote>Usage: {usage}</blockquote>",
        f"<p>{_linked(action, f'{action.synopsis}. {action.about}'.strip())}</p>",
    ]
    if options := list(action.options(CHIMERAX)):
        lines.append(help_page.parameter_table(options))
    return "\n".join(lines) + "\n"


def _usage(part: Part) -> str:
    words = " ".join(filter(None, (part.keyword and f"<b>{part.keyword}</b>", f"<i>{escape(part.value)}</i>")))
    return f"[ {words} ]" if part.optional else words


def _linked(action: Action, text: str) -> str:
    """Text in which the commands that it names are links."""
    words = sorted((other.words for other in all_actions() if other is not action), key=len, reverse=True)
    words += [job.verb for job in all_jobs()]
    named = re.compile(rf"\bflexrec ({'|'.join(words)})\b")
    return named.sub(lambda match: f'<a href="#{anchor(match[1])}"><b>{match[0]}</b></a>', escape(text))
