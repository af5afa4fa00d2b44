"""Results in the Log: tables with links that run commands."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from ..actions.action_scene import Link, Table
from ..scene.scene_model import FlexRecModel


def link(text: str, command: str) -> str:
    """HTML that runs a command when it is clicked."""
    return f'<a href="cxcmd:{quote(command)}">{escape(text)}</a>'


def log_table(session, table: Table, model: FlexRecModel) -> None:
    """Put a table about a model in the Log; as plain text where there is no window, or nothing in rows."""
    if not table.rows:
        session.logger.info(table.text())
        return
    caption = f"{table.caption} ({model.name})"
    if not session.ui.is_gui:
        lines = ("\t".join(map(str, row)) for row in (table.headings, *table.rows))
        session.logger.info("\n".join([caption, *lines]))
        return
    about = f" model #{model.id_string}"
    head = "".join(f"<th>{escape(name)}</th>" for name in table.headings)
    rows = ("".join(f"<td>{_cell(value, about)}</td>" for value in row) for row in table.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    text = f"<table border=1 cellpadding=4 cellspacing=0><caption>{escape(caption)}</caption>"
    session.logger.info(f"{text}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", is_html=True)


def _cell(value: object, about: str) -> str:
    return link(str(value), value.command + about) if isinstance(value, Link) else escape(str(value))
