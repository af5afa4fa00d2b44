"""A small plot of the latents, with a path and a mark at one of its states: what is beside the map in a movie."""

from __future__ import annotations

import numpy as np

from ..explore.path import LatentPath
from ..explore.plot_axes import View, make_view
from ..explore.plot_density import density_image
from ..explore.trained_model import Trained

Colour = tuple[float, float, float]
SHARE = 0.3  # of a movie's height
MARK = 0.025  # radius of the mark, share of the plot's side
_INCHES = 3.0  # what matplotlib takes the plot's side for, so that letters are in proportion
_BORDER, _INSIDE = (255, 255, 255), (214, 39, 40)


def latent_picture(trained: Trained, path: LatentPath, pixels: int, page: Colour = (1, 1, 1)) -> tuple:
    """``(rgba (pixels, pixels, 4) uint8, view, place)``: the particles' density with the path, on a ``page`` of that
    colour, 0 to 1, a little of which is seen through.

    ``place`` takes a point of the view to the picture's (column, row).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    view: View = make_view(("pc1", "pc2")[: trained.model.latent_dims], trained.components)
    points, way = view.project(trained.latents), view.project(path.z)
    image = density_image(points, 128)
    figure = Figure((_INCHES, _INCHES), dpi=pixels / _INCHES, facecolor=(*page, 0.85))
    dark = sum(page) < 1.5
    ink = "white" if dark else "black"
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.17, 0.15, 0.8, 0.82), facecolor=page)
    if len(view.names) == 2:
        greys = "bone" if dark else "bone_r"
        axes.imshow(image.logarithm(), extent=image.extent, origin="lower", aspect="auto", cmap=greys)
        axes.plot(*way.T, color="#ff6fc4" if dark else "#e0007a", linewidth=1.5)
        axes.set_ylabel(view.names[1], labelpad=2, color=ink)
    else:
        axes.fill_between((image.x[1:] + image.x[:-1]) / 2, image.counts[0] / image.counts.max(), color="#8794a3")
        axes.set_ylim(0, 1.05)
        axes.set_yticks([])
    axes.set_xlabel(view.names[0], labelpad=2, color=ink)
    axes.tick_params(labelsize=8, color=ink, labelcolor=ink)
    for side in axes.spines.values():
        side.set_color(ink)
    canvas.draw()

    def place(point: np.ndarray) -> tuple[float, float]:
        column, row = axes.transData.transform((point[0], point[1] if len(point) == 2 else 0.5))
        return column, pixels - row

    return np.array(canvas.buffer_rgba()), view, place


def marked(picture: np.ndarray, place: tuple[float, float]) -> np.ndarray:
    """A copy of ``(h, w, 4)`` uint8 with a disc, white at its border, at ``(column, row)``."""
    picture = picture.copy()
    rows, columns = np.ogrid[: picture.shape[0], : picture.shape[1]]
    away = (columns - place[0]) ** 2 + (rows - place[1]) ** 2
    size = max(MARK * len(picture), 3.0)
    for radius, colour in ((size, _BORDER), (0.7 * size, _INSIDE)):
        inside = away <= radius**2
        picture[inside] = (*colour, 255)
    return picture
