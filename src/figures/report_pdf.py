"""A report as a PDF of A4 pages, by matplotlib alone."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import printable
from .report_page import Grid, Page, Picture, Section, level_colours

if TYPE_CHECKING:
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

WIDE, TALL = 8.27, 11.69  # inches, A4
MARGIN = 0.75
TEXT = 9.5  # points
_POINT = 1 / 72
_LETTER = 0.5  # mean width of a letter of DejaVu Sans, of its size: few lines are longer than that
_LINE = 1.4  # lines apart, of their size


def write_pdf(path: Path, page: Page) -> None:
    """Write the report to ``path``; whoever calls sees to it that the file appears whole."""
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(path, metadata={"Title": printable(page.title), "Creator": "FlexRec"}) as pages:
        writer = _PageWriter(pages)
        writer.text(page.title, 10, colour="0.35")
        writer.label(page.level, *level_colours(page.level))
        writer.text(page.sentence, 14)
        for note in page.notes:
            writer.text(note, TEXT, colour="#a84300")
        for section in page.sections:
            _write_section(writer, section)
        writer.end()


def _write_section(writer: _PageWriter, section: Section) -> None:
    writer.space(0.16)
    pictures = [picture for picture in section.pictures if picture.path.suffix == ".png"]  # paper plays no film
    follows = pictures[:1] if not section.paragraphs and section.grid is None else ()
    writer.text(section.title, 12, weight="bold", keep=max([0.6, *map(picture_height, follows)]))
    for paragraph in section.paragraphs:
        writer.text(paragraph, TEXT)
    if section.grid is not None:
        writer.grid(section.grid)
    for picture in pictures:
        writer.picture(picture)


class _PageWriter:
    """Pages that are filled from above; what does not fit goes on the next."""

    def __init__(self, pages: PdfPages) -> None:
        self._pages = pages
        self._figure: Figure | None = None
        self._left = 0.0  # inches above the lower margin

    def space(self, inches: float) -> None:
        """Leave so much empty."""
        self._left -= inches

    def text(self, text: str, size: float, colour: str = "0.1", weight: str = "normal", keep: float = 0.0) -> None:
        """Lines as wide as the page; ``keep`` inches of what follows stay on the same page."""
        lines = _wrapped(text, WIDE - 2 * MARGIN, size)
        self._ensure_space(min(len(lines), 2) * _height(size) + keep)
        for line in lines:
            self._ensure_space(_height(size))
            self._line(line, MARGIN, size, colour, weight)
            self._left -= _height(size)
        self._left -= 0.06

    def label(self, text: str, back: str, front: str) -> None:
        """A word on a coloured ground."""
        self._ensure_space(0.5)
        self._left -= 0.1
        self._line(f" {printable(text)} ", MARGIN + 0.06, 12, front, "bold", {"facecolor": back, "edgecolor": "none"})
        self._left -= 0.38

    def grid(self, grid: Grid) -> None:
        """A table; a row stays on one page."""
        widths = _widths(grid, WIDE - 2 * MARGIN)
        for number, row in enumerate((grid.headings, *grid.rows)):
            cells = [_wrapped(cell, width - 0.12, TEXT - 1) for cell, width in zip(row, widths)]
            tall = max(map(len, cells)) * _height(TEXT - 1) + 0.07
            self._ensure_space(tall)
            top = self._left
            for place, lines in enumerate(cells):
                self._left = top
                for line in lines:
                    self._line(line, MARGIN + sum(widths[:place]), TEXT - 1, "0.35" if number == 0 else "0.1",
                               "bold" if number == 0 else "normal")  # fmt: skip
                    self._left -= _height(TEXT - 1)
            self._left = top - tall
            self._rule()
        self._left -= 0.12

    def picture(self, picture: Picture) -> None:
        """As wide as the page, or as tall, with its caption below."""
        from matplotlib.image import imread

        image = imread(picture.path)
        tall = picture_height(picture)
        wide = tall * image.shape[1] / image.shape[0]
        caption = _wrapped(picture.caption, WIDE - 2 * MARGIN, TEXT - 1) if picture.caption else []
        self._ensure_space(tall + len(caption) * _height(TEXT - 1) + 0.1)
        bottom = self._left - tall
        axes = self._page().add_axes((MARGIN / WIDE, (MARGIN + bottom) / TALL, wide / WIDE, tall / TALL))
        axes.imshow(image, interpolation="none", aspect="auto")
        axes.set_axis_off()
        self._left = bottom - 0.05
        for line in caption:
            self._line(line, MARGIN, TEXT - 1, "0.35")
            self._left -= _height(TEXT - 1)
        self._left -= 0.12

    def end(self) -> None:
        """Write the last page."""
        if self._figure is not None:
            self._pages.savefig(self._figure)
        self._figure, self._left = None, 0.0

    def _page(self) -> Figure:
        from .sheet import new_figure

        if self._figure is None:
            self._figure, self._left = new_figure(WIDE, TALL), TALL - 2 * MARGIN
            self._figure.set_layout_engine(None)
        return self._figure

    def _ensure_space(self, inches: float) -> None:
        """Begin a page where this one has no room for so much."""
        if self._figure is None or (inches > self._left and self._left < TALL - 2 * MARGIN):
            self.end()
            self._page()

    def _line(
        self, text: str, x: float, size: float, colour: str, weight: str = "normal", box: dict | None = None
    ) -> None:
        self._page().text(x / WIDE, (MARGIN + self._left) / TALL, text, fontsize=size, color=colour, weight=weight,
                          va="top", bbox=box, parse_math=False)  # fmt: skip

    def _rule(self) -> None:
        from matplotlib.lines import Line2D

        y = (MARGIN + self._left + 0.045) / TALL
        ends = [MARGIN / WIDE, 1 - MARGIN / WIDE]
        self._page().add_artist(Line2D(ends, [y, y], color="0.88", linewidth=0.6))


def picture_height(picture: Picture) -> float:
    """Inches of a picture that is as wide as the page, or as tall less a heading."""
    from matplotlib.image import imread

    tall, wide = imread(picture.path).shape[:2]
    return min((WIDE - 2 * MARGIN) * tall / wide, TALL - 2 * MARGIN - 1.0)


def _height(size: float) -> float:
    """Inches from a line to the next."""
    return size * _POINT * _LINE


def _wrapped(text: str, inches: float, size: float) -> list[str]:
    """Lines of at most so many inches; a word that is longer is broken."""
    letters = max(6, int(inches / (size * _POINT * _LETTER * 1.1)))
    return textwrap.wrap(printable(text), letters) or [""]


def _widths(grid: Grid, inches: float) -> list[float]:
    """Of the columns: by their longest text, none below an eighth of the page nor, of several, above three fifths."""
    columns = list(zip(grid.headings, *grid.rows))
    wanted = [min(max(len(cell) for cell in column), 60) + 4 for column in columns]
    shares = [max(each / sum(wanted), 0.125) for each in wanted]
    return [inches * share / sum(shares) for share in shares]
