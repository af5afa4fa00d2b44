"""The figure of how a training went."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_history(path: str | os.PathLike[str], history: dict[str, np.ndarray]) -> None:
    """Draw a training's course.

    Parameters
    ----------
    history : arrays (e,), one value per entry: ``epoch``; ``box`` (pixels); and either ``misfit`` and ``rigid_misfit``
        (nats per particle, at that box), ``energy`` (mean over cells of Σ (sₗ − 1)², shown as the root mean square
        principal strain √(energy / 3) in %), ``weight`` (of the rigidity, λ), ``amplitude`` (mean displacement, Å); or,
        of a field, the two misfits alone; or, of linear components, ``gain`` (nats per particle) and ``variation`` (of
        the map, a share of it); or, of classes, both misfits, ``certainty`` (mean highest probability) and the shares
        ``class_1`` …; or whatever else a decoder measures, which is shown by its name
    """
    epoch, box = np.asarray(history["epoch"], float), np.asarray(history["box"])
    course_by_measure = {"gain": _linear_course, "energy": _flow_course, "certainty": _classes_course,
                         "rigid_misfit": _field_course}  # fmt: skip
    course = next((course for name, course in course_by_measure.items() if name in history), _plain_course)
    curves, text = course(history)
    rows = -(-len(curves) // 2)
    figure = new_figure(10.5, 1 + 3 * rows)
    axes = list(figure.subplots(rows, 2, sharex=True).flat)
    for axis in axes[len(curves) :]:
        axis.set_visible(False)
    for axis, (title, unit, values) in zip(axes, curves):
        _curve(axis, epoch, box, values)
        axis.set_title(title, fontsize=10, loc="left", pad=16)  # the boxes stand below it
        axis.set_ylabel(unit)
        if unit == "λ" and np.all(values > 0):
            axis.set_yscale("log")
    for axis in figure.axes[-2:]:
        axis.set_xlabel("epoch")
        axis.locator_params(axis="x", integer=True)
    figure.axes[0].axhline(0, color=GREY, linewidth=0.8)
    say(figure, text)
    save(figure, path)


def _flow_course(history: dict[str, np.ndarray]) -> tuple[tuple, str]:
    """Title, unit and values of each curve, and how to read them."""
    strain = 100 * np.sqrt(np.maximum(np.asarray(history["energy"], float), 0) / 3)
    curves = (
        ("Gain over a rigid molecule", "nats per particle", np.asarray(history["rigid_misfit"]) - history["misfit"]),
        ("Motion", "mean displacement (Å)", np.asarray(history["amplitude"], float)),
        ("Strain of the mesh", "r.m.s. principal strain (%)", strain),
        ("Weight of the rigidity, λ", "λ", np.asarray(history["weight"], float)),
    )
    return curves, (
        "How to read: the gain is how much better the moving map explains an image than the same map held rigid: it "
        "should rise and level off; at or below zero the images do not ask for motion. Compare it within one box only "
        "(dashed lines: the images grow finer, and the scale of the gain changes). Strain of a few % is bending; tens "
        "of % mean that the mesh is torn to fit noise: raise the rigidity."
    )


def _linear_course(history: dict[str, np.ndarray]) -> tuple[tuple, str]:
    """Title, unit and values of each curve, and how to read them."""
    curves = (
        ("Gain over a rigid molecule", "nats per particle", np.asarray(history["gain"], float)),
        ("Variation of the map", "r.m.s., % of the map", 100 * np.asarray(history["variation"], float)),
    )
    return curves, (
        "How to read: the gain is the evidence in an image for the components, the price of fitting it deducted: it "
        "should rise and level off; near zero the images do not ask for them. The variation is how far the particles' "
        "maps are from the mean one. Compare both within one box only (dashed lines: the images grow finer)."
    )


def _field_course(history: dict[str, np.ndarray]) -> tuple[tuple, str]:
    """Title, unit and values of each curve, and how to read them."""
    curves = (
        ("Gain over a rigid molecule", "nats per particle", np.asarray(history["rigid_misfit"]) - history["misfit"]),
        ("Misfit", "nats per particle", np.asarray(history["misfit"], float)),
    )
    return curves, (
        "How to read: the gain is how much better the map at a particle's latent point explains its image than the map "
        "of the rigid molecule: it should rise and level off. A network has many numbers and learns noise as well, so "
        "that a gain that still rises slowly at the end need not be motion. Compare both within one box only (dashed "
        "lines: the images grow finer)."
    )


def _classes_course(history: dict[str, np.ndarray]) -> tuple[tuple, str]:
    """Title, unit and values of each curve, and how to read them."""
    names = [f"class_{k + 1}" for k in range(len(history)) if f"class_{k + 1}" in history]
    shares = np.stack([np.asarray(history[name], float) for name in names], axis=1)
    curves = (
        ("Gain over one map", "nats per particle", np.asarray(history["rigid_misfit"]) - history["misfit"]),
        ("Certainty", "mean highest probability (%)", 100 * np.asarray(history["certainty"], float)),
        ("Shares of the classes", "% of the particles", 100 * shares),
    )
    return curves, (
        "How to read: the gain is how much better its class explains an image than one map for all: it should rise and "
        "level off; near zero the images do not ask for classes. Certainty near 100 % over the number of classes means "
        "that images cannot be told apart. Shares that still change ask for more epochs; one near zero is a class too "
        "many."
    )


def _plain_course(history: dict[str, np.ndarray]) -> tuple[tuple, str]:
    """A curve for each quantity."""
    names = [name for name in history if name not in ("epoch", "box", "images_per_second")]
    return tuple((name, "", np.asarray(history[name], float)) for name in names), (
        "How to read: each quantity is the mean over the images of a pass. Compare it within one box only (dashed "
        "lines: the images grow finer)."
    )


def _curve(axis: Axes, epoch: np.ndarray, box: np.ndarray, values: np.ndarray) -> None:
    """One line for each run of epochs at the same box, with dashed lines between them; ``values`` ``(e,)`` or several
    ``(e, c)``.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(box)) + 1, [len(box)]]).astype(int)
    for first, last in zip(starts[:-1], starts[1:]):
        axis.set_prop_cycle(None)
        for number, line in enumerate(np.atleast_2d(values.T)):
            colour = {"color": BLUE} if values.ndim == 1 else {"label": f"{number + 1}" if not first else None}
            axis.plot(epoch[first:last], line[first:last], **colour, marker="o", markersize=3, linewidth=1.4)
        if first:
            axis.axvline((epoch[first - 1] + epoch[first]) / 2, color=ORANGE, linestyle="--", linewidth=1)
        if last > first:
            axis.text(epoch[first], 1.0, f"{int(box[first])} px", transform=axis.get_xaxis_transform(), fontsize=8,
                      color=ORANGE, va="bottom")  # fmt: skip
    if values.ndim > 1:
        axis.legend(fontsize=7, ncols=4, frameon=False)
        axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.ticklabel_format(axis="y", useOffset=False)
