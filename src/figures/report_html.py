"""A report as one HTML file that needs nothing else: pictures are inside it, and there is no script and no link."""

from __future__ import annotations

import base64
import re
from html import escape

from ..errors import printable
from .report_page import Grid, Page, Picture, Section, level_colours

_STYLE = """
body { font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.2rem; font-weight: 600; color: #555; margin-bottom: .4rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
p.verdict { font-size: 1.45rem; line-height: 1.35; margin: .4rem 0 1rem; }
span.level { display: inline-block; font-weight: 600; padding: .1rem .7rem; border-radius: .3rem; }
p.note { border-left: 4px solid #d55e00; padding: .2rem .8rem; background: #fff6ef; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #e4e4e4; }
th { color: #555; font-weight: 600; }
td { overflow-wrap: anywhere; }
td:first-child { overflow-wrap: break-word; }
figure { margin: 1.2rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: .9rem; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } span.level { border: 1px solid #777; }
               h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks of the direction of writing
_KINDS = {".png": "png", ".gif": "gif"}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # nothing is fetched, nothing runs


def html_page(page: Page) -> str:
    """The whole file as text."""
    back, front = level_colours(page.level)
    body = [
        f"<h1>{_text(page.title)}</h1>",
        f'<p><span class="level" style="background:{back};color:{front}">{_text(page.level)}</span></p>',
        f'<p class="verdict">{_text(page.sentence)}</p>',
        *(f'<p class="note">{_text(note)}</p>' for note in page.notes),
        *map(_section, page.sections),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(page.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body) + "\n</body>\n</html>\n"
    )  # fmt: skip


def _section(section: Section) -> str:
    lines = [f"<h2>{_text(section.title)}</h2>", *(f"<p>{_text(text)}</p>" for text in section.paragraphs)]
    if section.grid is not None:
        lines.append(_grid(section.grid))
    return "\n".join([*lines, *map(_picture, section.pictures)])


def _grid(grid: Grid) -> str:
    head = "".join(f"<th>{_text(heading)}</th>" for heading in grid.headings)
    rows = ("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in grid.rows)
    return "<table>\n<thead><tr>" + head + "</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    name = _text(picture.caption or picture.path.name)
    caption = f"<figcaption>{_text(picture.caption)}</figcaption>" if picture.caption else ""
    return f'<figure><img alt="{name}" src="data:image/{_KINDS[picture.path.suffix]};base64,{data}">{caption}</figure>'


def _text(text: str) -> str:
    """Text from anywhere, as HTML shows it: no character of it is markup, unseen, or turns the direction of others."""
    return escape(_TURNS.sub(lambda match: match[0].encode("unicode_escape").decode(), printable(text)))
