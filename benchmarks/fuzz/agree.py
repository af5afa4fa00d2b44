"""Whether the panel shows what is in the scene and in the project: one sentence for each control that does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from chimerax.atomic import AtomicStructure
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.anchors import point_text
from chimerax.flexrec.explore.make_path import describe_path
from chimerax.flexrec.explore.named_states import kept_states
from chimerax.flexrec.panel.tabs.moving_tab import MovingTab
from chimerax.flexrec.particles.selection import load_selection, selection_names
from chimerax.flexrec.scene.decoding import decoding
from chimerax.flexrec.scene.scene_model import FlexRecModel
from qtpy.QtCore import Qt

CHECKED = Qt.CheckState.Checked


def disagreements(session, tool, exact_map: bool) -> list[str]:
    """All of them; ``tool`` is None while the panel is closed, ``exact_map``: whether maps can be compared."""
    problems, rests = [], not decoding(session).engine.waiting  # a model that plays lets others wait for their maps
    for model in session.models.list(type=FlexRecModel):
        problems += [f"#{model.id_string}: {one}" for one in _scene(model, exact_map and rests)]
    return problems + ([] if tool is None else list(_panel(session, tool)))


def _scene(model: FlexRecModel, exact_map: bool) -> Iterator[str]:
    """The parts of one model among themselves."""
    parts, dragging = model.parts, model.dragging
    drawn = model.child_models()
    for name in ("map", "mesh", "flow"):
        if sum(one.name == name for one in drawn) > 1:
            yield f"has more than one {name}"
    for name, kept in (("mesh", parts.mesh), ("flow", parts.arrows)):
        if kept is not None and kept not in drawn:
            yield f"its {name} is not in the scene"
    moves = model.player.playing or dragging.active
    if exact_map and not moves and dragging.drawn:  # it stands for a map that cannot be decoded
        yield "the moving contour is drawn at rest"
    for one in (dragging.contour, model.map):
        if one is not None and getattr(one, "surfaces", True) and one.overall_color is None:
            yield f"its {one.name} is listed with no colour of its own"
    if parts.vertices is not None:
        wanted = model.learned.moving.mesh.vertices if model.z is None else model.learned.moving.vertices(model.z)
        if not np.allclose(parts.vertices, wanted, atol=1e-3):
            yield "its vertices are not at its point"
        if parts.mesh is not None and parts.mesh._moved is not parts.vertices:
            yield "its mesh is not at its point"
    for one in parts.followers:
        if one.structure.deleted:
            yield "a closed structure follows"
    if exact_map and not moves and model.map is not None and model.recorder is None:
        wanted = model.learned.volume if model.z is None else model.learned.decode(model.z)
        off = float(np.abs(model.map.data.array - wanted).max() / max(np.abs(wanted).max(), 1e-9))
        if off > 1e-3:
            yield f"its map is not that of its point (off by {off:.3g})"


def _panel(session, tool) -> Iterator[str]:
    panel, scene = tool.panel, tool.scene
    models = session.models.list(type=FlexRecModel)
    if (scene.model in models) != bool(models):
        yield f"the panel is about {scene.model}, open are {models}"
        return
    names = [f"#{one.id_string} {one.name}" for one in models]
    shown = [tool._models.itemText(row) for row in range(tool._models.count())]
    if shown != names:
        yield f"the list of models says {shown}, open are {names}"
    if models and tool._models.currentText() != names[models.index(scene.model)]:
        yield f"the list of models is at {tool._models.currentText()}, the panel is about {scene.model}"
    if tool._models.isHidden() != (len(models) < 2):
        yield "the list of models is seen with one model, or hidden with several"
    if panel._stack.currentIndex() != int(bool(models)):
        yield "the plot is shown without a model, or not shown with one"
    for part in (_tabs, _plot, _bar, _states, _selections, _moving):
        yield from part(session, panel, scene.model)


def _same(what: str, shown: object, real: object) -> Iterator[str]:
    if shown != real:
        yield f"{what}: shown {shown!r}, is {real!r}"


def _tabs(session, panel, model) -> Iterator[str]:
    for name, page in (("sliders", panel.sliders), ("path", panel.paths), ("select", panel.selections),
                       ("states", panel.states), ("plot", panel.plot)):  # fmt: skip
        yield from _same(f"{name} enabled", page.isEnabled(), model is not None)
    moves = model is not None and model.learned.moving is not None
    yield from _same("mesh and flow enabled", panel.findChild(MovingTab).mesh.isEnabled(), moves)


def _plot(session, panel, model) -> Iterator[str]:
    plane, marks = panel.plot.plane, panel.plot.canvas.marks
    yield from _same("there is a plot", plane is not None, model is not None)
    if model is None or plane is None:
        return
    yield from _same("plotted model", plane.trained is model.trained, True)
    yield from _same("axes", tuple(filter(None, (panel.plot.x.currentText(), panel.plot.y.currentText())))[:plane.dims],
                     plane.names)  # fmt: skip
    at = np.array([*marks.ring.get_xdata(), *marks.ring.get_ydata()])
    yield from _same("a marker is drawn", bool(len(at)), model.z is not None)
    if len(at) and model.z is not None and not np.allclose(at[: plane.dims], plane.place(model.z), atol=1e-4):
        yield f"the marker is at {at}, the model at {plane.place(model.z)}"
    text = panel.status.text()
    wanted = "The map at rest" if model.z is None else point_text(np.where(np.abs(model.z) < 1e-6, 0.0, model.z))
    if model.z is None and wanted not in text:
        yield f"the status line says {text!r} at rest"
    if model.z is not None:
        shown = f"{round(float(plane.place(model.z)[0]), 3) + 0.0:.3f}"
        if shown not in text:
            yield f"the status line says {text!r}, the model is at {shown}"
    here = panel.shown_point()
    for view, slider in panel.sliders._axes:
        value = float(view.project(here)[0])
        inside = min(max(value, slider.field.minimum()), slider.field.maximum())
        if not slider.field.hasFocus() and abs(slider.field.value() - inside) > 10.0 ** -slider.field.decimals():
            yield f"slider {view.names[0]} is at {slider.field.value()}, the model at {value}"


def _bar(session, panel, model) -> Iterator[str]:
    bar, path = panel.bar, None if model is None else model.path
    yield from _same("play button", bar.play.text(), "Pause" if model is not None and model.player.playing else "Play")
    for name, widget in (("scrub", bar.scrub), ("record", bar.record)):
        yield from _same(f"{name} enabled", widget.isEnabled(), path is not None)
    yield from _same("play enabled", bar.play.isEnabled(), model is not None)
    recorded = model is not None and model.recorder is not None
    yield from _same("progress of a movie seen", not bar.progress.isHidden(), recorded)
    drawn = len(panel.plot.canvas.marks.path.get_xdata())
    yield from _same("states of the path drawn", drawn, 0 if path is None else len(path))
    if path is None:
        return
    yield from _same("number of the state", bar.where.text(),
                     f"{1 + round(model.player.place * (len(path) - 1))} / {len(path)}")  # fmt: skip
    if abs(bar.scrub.value() / 1000 - model.player.place) > 0.002 and not bar.scrub.isSliderDown():
        yield f"the play bar is at {bar.scrub.value() / 1000}, the player at {model.player.place}"
    yield from _same("words about the path", panel.paths.about.text(), describe_path(model.trained, path))


def _states(session, panel, model) -> Iterator[str]:
    tab = panel.states
    shown = [(tab.list.topLevelItem(k).text(0), tab.list.topLevelItem(k).text(1))
             for k in range(tab.list.topLevelItemCount())]  # fmt: skip
    real = [] if model is None else [(one.name, point_text(one.z)) for one in kept_states(model.trained)]
    yield from _same("states", shown, real)
    compared = model is not None and model.comparison.description is not None
    yield from _same("end of the comparison enabled", tab.end_button.isEnabled(), compared)
    yield from _same("legend of the comparison", bool(tab.legend.text()), compared)


def _selections(session, panel, model) -> Iterator[str]:
    tab = panel.selections
    items = [tab.list.topLevelItem(k) for k in range(tab.list.topLevelItemCount())]
    real = []
    if model is not None:
        for name in selection_names(model.trained.project):
            try:
                real.append(load_selection(model.trained.project, name))
            except InputError:
                continue
    yield from _same("selections", [item.text(0) for item in items], [one.name for one in real])
    yield from _same("sizes of selections", [item.text(1) for item in items],
                     [f"{len(one):,} of {one.count:,}" for one in real])  # fmt: skip
    ticked = [item.text(0) for item in items if item.checkState(0) == CHECKED]
    drawn = sorted(len(rows) for rows, _ in panel.plot.canvas._highlights)
    yield from _same("selections in the plot", drawn, sorted(len(one) for one in real if one.name in ticked))


def _moving(session, panel, model) -> Iterator[str]:
    tab = panel.findChild(MovingTab)
    mesh, arrows = (None, None) if model is None else (model.parts.mesh, model.parts.arrows)
    yield from _same("mesh ticked", tab.mesh.isChecked(), mesh is not None and mesh.display)
    if mesh is not None and mesh.display:
        yield from _same("colour of the mesh", tab.colour.currentData(), mesh.colour)
    yield from _same("flow ticked", tab.arrows.isChecked(), arrows is not None and arrows.display)
    if arrows is not None and arrows.display:
        look = arrows.look
        shown = (tab.count.value(), tab.scale.value(), tab.threshold.value(), tab.width.value())
        real = (look.count, *(round(value, 2) for value in (look.scale, look.threshold, look.width)))
        yield from _same("numbers of the flow", shown, real)
    shown = [(tab.structures.item(k).text().split()[0], tab.structures.item(k).checkState() == CHECKED)
             for k in range(tab.structures.count())]  # fmt: skip
    follow = [] if model is None else [one.structure for one in model.parts.followers]
    real = [(f"#{one.id_string}", any(one is other for other in follow))
            for one in session.models.list(type=AtomicStructure)]  # fmt: skip
    yield from _same("structures that follow", shown, real)
