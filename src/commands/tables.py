"""Results in the Log: tables with links that run commands."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from ..actions.action_scene import Link


def link(text: str, command: str) -> str:
    """HTML that runs a command when it is clicked."""
    return f'<a href="cxcmd:{quote(command)}">{escape(text)}</a>'


def log_table(
    session, caption: str, headings: Sequence[str], rows: Sequence[Sequence[object]], about: str = ""
) -> None:
    """Put a table in the Log; as plain text where there is no window. ``about`` is added to the commands of links."""
    if not session.ui.is_gui:
        lines = [caption, "\t".join(headings), *("\t".join(str(value) for value in row) for row in rows)]
        session.logger.info("\n".join(lines))
        return
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "".join("<tr>" + "".join(f"<td>{_cell(value, about)}</td>" for value in row) + "</tr>" for row in rows)
    table = f"<table border=1 cellpadding=4 cellspacing=0><caption>{escape(caption)}</caption>"
    session.logger.info(f"{table}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", is_html=True)


def _cell(value: object, about: str) -> str:
    return link(str(value), value.command + about) if isinstance(value, Link) else escape(str(value))
