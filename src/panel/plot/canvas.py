"""The plot: the particles as one picture in the background, and marks that are blitted above it."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QContextMenuEvent

from ...explore.plot_density import plot_limits
from .colouring import Colouring
from .marks import Marks
from .plane import Plane, axis_label
from .raster import coloured_bars, density_picture, dot_densities, dot_radius, dots_picture, histogram, pixel_places
from .theme import Theme
from .whole_pixels import keep_all_pixels

FEW = 5_000  # particles up to which each is a dot, unless the user chose otherwise
_REST = 70  # milliseconds without a new view after which the particles are drawn anew for it
_PALEST = 90  # of 256 colours of density, that a dot without neighbours has: the first ones cannot be seen on the page
MARGINS = (62, 44, 10, 8)  # left, bottom, right, top; logical pixels


class PlotCanvas(FigureCanvasQTAgg):
    """A canvas with one plot. ``limits`` ``(2, 2)`` is what it shows now, ``home`` what it shows at first."""

    viewed = Signal()  # other limits
    left = Signal()  # the cursor has left the plot

    def __init__(self, theme: Theme) -> None:
        super().__init__(Figure())
        keep_all_pixels(self)
        self.setMinimumSize(120, 80)
        self.theme = theme
        self.menu_wanted = True  # whether a right click is for the context menu
        self.axes = self.figure.add_subplot()
        self.axes.set_autoscale_on(False)
        self.marks = Marks(self.axes)
        self.plane: Plane | None = None
        self.home_limits = np.array([[-1.0, 1.0], [-1.0, 1.0]])
        self._colouring: Colouring | None = None
        self._style = "auto"
        self._highlights: list[tuple[np.ndarray, str]] = []
        self._image = self._overlay = None
        self._bars: PolyCollection | None = None
        self._background = None
        self._repaint_timer = QTimer(self, singleShot=True, interval=_REST)
        self._repaint_timer.timeout.connect(self.repaint_particles)
        self.mpl_connect("draw_event", self._drawn)
        self.mpl_connect("resize_event", self._resized)
        self.mpl_connect("figure_leave_event", lambda _: self.left.emit())
        self.set_theme(theme)

    # ----- what is shown -----

    def set_plane(self, plane: Plane | None, keep_view: bool = False) -> None:
        """Show the particles in other axes, or none."""
        self.plane = plane
        self.axes.set_visible(plane is not None)
        if plane is not None:
            limits = plot_limits(plane.points)
            if plane.dims == 1:
                limits = np.concatenate([limits, [[0.0, 1.08]]])
            self.home_limits = limits
            self.axes.set_xlabel(axis_label(plane.names[0], plane.trained))
            self.axes.set_ylabel(axis_label(plane.names[1], plane.trained) if plane.dims == 2 else "particles")
            self.axes.yaxis.set_visible(True)
            self.axes.set_yticks([]) if plane.dims == 1 else self.axes.yaxis.set_major_locator(_ticks())
        if not keep_view:
            self.set_limits(self.home_limits, at_once=True)
        self.repaint_particles()

    def forget(self) -> None:
        """Drop colours and selections: other particles come, of which they are not."""
        self._colouring, self._highlights = None, []

    def set_colouring(self, colouring: Colouring | None) -> None:
        """Colour by a column; by density for None."""
        self._colouring = colouring
        self.repaint_particles()

    def set_style(self, style: str) -> None:
        """``points``, ``density``, or ``auto``: density where there are many."""
        self._style = style
        self.repaint_particles()

    def set_highlights(self, highlights: list[tuple[np.ndarray, str]]) -> None:
        """Selections to show: rows ``(m,)`` and a colour each."""
        self._highlights = highlights
        self._paint_highlights()
        self._background = None
        self.draw_idle()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.theme = theme
        self.figure.set_facecolor(theme.window)
        self.axes.set_facecolor(theme.page)
        self.axes.tick_params(colors=theme.ink, labelsize=8)
        for label in (self.axes.xaxis.label, self.axes.yaxis.label):
            label.set_color(theme.ink)
            label.set_size(9)
        self.axes.xaxis.labelpad = self.axes.yaxis.labelpad = 2
        for spine in self.axes.spines.values():
            spine.set_color(theme.faint)
        self.marks.set_theme(theme)
        self.repaint_particles()

    # ----- the view -----

    @property
    def limits(self) -> np.ndarray:
        """``(2, 2)`` lowest and highest of x and y."""
        return np.array([self.axes.get_xlim(), self.axes.get_ylim()])

    def set_limits(self, limits: np.ndarray, at_once: bool = False) -> None:
        """Show another part; the particles' picture is stretched until the view rests, then drawn anew."""
        limits = np.asarray(limits, float)
        if self.plane is not None and self.plane.dims == 1:
            limits = np.array([limits[0], [0.0, 1.08]])
        if not (np.isfinite(limits).all() and (np.diff(limits) > 1e-12 * (1 + np.abs(limits).max())).all()):
            return
        self.axes.set_xlim(limits[0])
        self.axes.set_ylim(limits[1])
        if not at_once:
            self._repaint_timer.start()
        self._background = None
        self.draw_idle()
        self.viewed.emit()

    def zoom(self, factor: float, centre: np.ndarray) -> None:
        """Show ``factor`` times as much, the point ``centre`` ``(2,)`` staying where it is."""
        centre = np.asarray(centre, float)[:, None]
        self.set_limits(centre + factor * (self.limits - centre))

    def go_home(self) -> None:
        """Show all particles."""
        self.set_limits(self.home_limits)

    @property
    def style(self) -> str:
        """``points`` or ``density``, as it is drawn."""
        if self._style != "auto" or self.plane is None:
            return "points" if self._style == "auto" else self._style
        return "density" if len(self.plane.points) > FEW and self._colouring is None else "points"

    # ----- drawing -----

    def repaint_particles(self) -> None:
        """Make the particles' picture for the view as it is now."""
        self._repaint_timer.stop()
        for artist in (self._image, self._bars):
            if artist is not None:
                artist.remove()
        self._image = self._bars = None
        if self.plane is not None:
            (self._paint_strip if self.plane.dims == 1 else self._paint_picture)()
        self._paint_highlights()
        self._background = None
        self.draw_idle()

    def _size(self) -> tuple[int, int]:
        box = self.axes.bbox
        return max(16, round(box.width)), max(16, round(box.height))

    def _paint_picture(self) -> None:
        limits, size = self.limits, self._size()
        points = self.plane.points
        if self.style == "density" and self._colouring is None:
            picture = density_picture(points, limits, size, self.theme.density, self.device_pixel_ratio)
        else:
            picture = self._dots(points, limits, size)
        self._image = self._put_image(picture, limits, 1)

    def _paint_highlights(self) -> None:
        if self._overlay is not None:
            self._overlay.remove()
            self._overlay = None
        if not self._highlights or self.plane is None:
            return
        if self.plane.dims == 1:
            self._overlay = self._put_selected_bars()
        else:
            limits = self.limits
            self._overlay = self._put_image(self._selected_dots(self.plane.points, limits, self._size()), limits, 2)

    def _dots(self, points: np.ndarray, limits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        rows, pixel = pixel_places(points, limits, size)
        if self._colouring is None:
            shade = dot_densities(pixel, size, self.device_pixel_ratio)
            table = (255 * self.theme.density).astype(np.uint8)
            colours = table[_PALEST + ((255 - _PALEST) * shade).astype(np.uint8)]
        else:
            colours = self._colouring.colours[rows]
        radius = dot_radius(len(rows), self.device_pixel_ratio)
        return dots_picture(pixel, colours, size, radius)

    def _selected_dots(self, points: np.ndarray, limits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        from matplotlib.colors import to_rgba

        picture = np.zeros((size[1], size[0], 4), np.uint8)
        for rows, colour in self._highlights:
            _, pixel = pixel_places(points[rows], limits, size)
            radius = dot_radius(len(pixel), self.device_pixel_ratio)
            dots = dots_picture(pixel, _rgba(to_rgba(colour), 210), size, radius)
            picture = np.where(dots[..., 3:] > 0, dots, picture)
        return picture

    def _put_image(self, picture: np.ndarray, limits: np.ndarray, above: int):
        image = self.axes.imshow(
            picture, extent=limits.ravel().tolist(), origin="lower", aspect="auto", interpolation="nearest",
            resample=False, zorder=above,
        )  # fmt: skip
        self.axes.set_xlim(limits[0])
        self.axes.set_ylim(limits[1])
        return image

    def _paint_strip(self) -> None:
        values = self.plane.points[:, 0]
        edges, counts = histogram(values[self.plane.shown], tuple(self.limits[0]), self._size()[0])
        if self._colouring is None:
            self._bars = self._put_bars(edges, counts / max(counts.max(), 1), [self.theme.density[150]], 1)
            return
        shown = self.plane.shown
        heights, colours = coloured_bars(values[shown], self._colouring.colours[shown], edges)
        starts = np.tile(np.stack([edges[:-1], edges[1:]]), len(heights))
        self._bars = self._put_bars(starts, heights.ravel() / max(counts.max(), 1), list(colours.reshape(-1, 4)), 1)

    def _put_selected_bars(self) -> PolyCollection:
        """What of each bar is selected."""
        values = self.plane.points[:, 0]
        edges, counts = histogram(values[self.plane.shown], tuple(self.limits[0]), self._size()[0])
        heights, colours = [], []
        for rows, colour in self._highlights:
            heights.append(np.histogram(values[rows], bins=edges)[0] / max(counts.max(), 1))
            colours += [colour] * len(counts)
        starts = np.tile(np.stack([edges[:-1], edges[1:]]), len(self._highlights))
        return self._put_bars(starts, np.concatenate(heights), colours, 2)

    def _put_bars(self, edges: np.ndarray, heights: np.ndarray, colours: list, above: int) -> PolyCollection:
        """Bars of heights ``(m,)`` between edges ``(m + 1,)``, or from and to ``(2, m)``."""
        starts, ends = (edges[:-1], edges[1:]) if edges.ndim == 1 else edges
        quads = [[(a, 0), (a, h), (b, h), (b, 0)] for a, b, h in zip(starts, ends, heights)]
        bars = PolyCollection(quads, facecolors=colours, edgecolors="none", zorder=above)
        self.axes.add_collection(bars, autolim=False)
        return bars

    def _resized(self, _) -> None:
        wide, high = self.figure.bbox.size / self.device_pixel_ratio
        left, bottom, right, top = MARGINS
        if wide > left + right + 20 and high > bottom + top + 20:
            self.axes.set_position([left / wide, bottom / high, 1 - (left + right) / wide, 1 - (bottom + top) / high])
        self._background = None
        self._repaint_timer.start()

    def _drawn(self, event) -> None:
        """A whole drawing, without the marks, has been made: store it, and draw the marks on it."""
        if event.canvas is not self:  # but one that writes a .pdf or .svg
            return
        self._background = self.copy_from_bbox(self.figure.bbox)
        for line in self.marks.lines:
            self.axes.draw_artist(line)

    def refresh_marks(self) -> None:
        """Show the marks where they are now: two milliseconds, whatever the number of particles."""
        if self._background is None:
            self.draw_idle()
            return
        self.restore_region(self._background)
        for line in self.marks.lines:
            self.axes.draw_artist(line)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Leave it to the widgets around, unless the right click meant something else."""
        event.setAccepted(not self.menu_wanted)
        self.menu_wanted = True

    def save(self, path: str, dpi: int = 300) -> None:
        """Write the plot with its marks as .png, .pdf or .svg."""
        for line in self.marks.lines:
            line.set_animated(False)
        try:
            self.figure.savefig(path, dpi=dpi)
        finally:
            for line in self.marks.lines:
                line.set_animated(True)
            self.draw_idle()


def _ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(6)


def _rgba(colour, alpha: int) -> np.ndarray:
    red, green, blue = (round(255 * float(part)) for part in colour[:3])
    return np.array([red, green, blue, alpha], np.uint8)
