"""A comparison in a real ChimeraX: the window goes on meanwhile, both plots are linked, and it can be cancelled."""

from __future__ import annotations

import pytest
from explored_project import make_project
from trained_models import make_linear

_STEPS = """
def steps():
    from qtpy.QtWidgets import QPushButton
    from chimerax.flexrec.panel.tabs.moving_tab import MovingTab
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool

    run("flexrec open " + PLACES["project"])
    yield 1
    tool = FlexRecTool.shown(session)
    panel, scene = tool.panel, tool.scene
    panel.show_compared()
    other = panel.compared
    other.other.setText(PLACES["other"])
    frames = [0]
    handler = session.triggers.add_handler("new frame", lambda *_: frames.__setitem__(0, frames[0] + 1))
    other.findChild(QPushButton, "compare models").click()
    result["begun"] = [scene.computing is not None, other.cancel.isVisible()]
    yield lambda: scene.computing is None
    result["frames"] = frames[0]
    handler.remove()
    yield 1.5
    result["compared"] = [other.about.text(), other.plot.plane.names, other.cancel.isVisible()]
    run("flexrec select name right where 'z1 > 0'")
    yield 1.5
    marked = [plot.canvas._highlights for plot in (panel.plot, other.plot)]
    result["linked"] = [len(highlights[0][0]) for highlights in marked]
    result["right"] = int((scene.trained.latents[:, 0] > 0).sum())

    run("flexrec compare " + PLACES["other"] + " maps 1000")
    yield lambda: " of " in (scene.computing or "")
    result["says"] = scene.computing
    other.cancel.click()
    result["cancelled"] = scene.computing
    result["nothing more"] = panel.scene.run("flexrec cancel")

    run("flexrec compare nowhere")
    yield lambda: scene.computing is None
    result["wrong"] = panel.messages.whole

    run("save " + PLACES["session"])
    run("close session")
    run("open " + PLACES["session"])
    yield 1.5
    tool = FlexRecTool.shown(session)
    tool.panel.show_compared()
    yield 0.5
    again = tool.panel.compared
    result["again"] = [again.plot.plane.names, len(again.plot.canvas._highlights[0][0])]
    run("close")
    run("flexrec open " + PLACES["linear"])
    yield 0.5
    moving = tool.panel.findChild(MovingTab)
    result["still"] = [moving.mesh.isEnabled(), moving.why_not.text()]
"""


@pytest.fixture
def places(chimerax):
    folder = chimerax.new_folder()
    found = {"project": make_project(folder / "project"), "other": make_project(folder / "other", (1.0, 2.0)),
             "linear": make_linear(folder / "linear"), "session": folder / "kept.cxs"}  # fmt: skip
    chimerax.give(folder)
    return {name: str(place) for name, place in found.items()}


def test_a_comparison_lets_the_window_go_on_and_links_both_plots(chimerax, places):
    code = f"PLACES = {places!r}\n{_STEPS}"
    result = chimerax.window(code, screen=(1280, 800))
    assert result["begun"] == [True, True] and result["frames"] >= 10
    about, names, cancel = result["compared"]
    assert about.startswith("003-train: 300 of 300 particles") and names == ["other_pc1", "other_pc2"] and not cancel
    assert result["linked"] == [result["right"]] * 2
    assert result["says"].startswith("comparing maps: ") and result["says"].endswith("of 600")
    assert result["cancelled"] is None and not result["nothing more"]
    assert "there is no job nowhere" in result["wrong"]
    assert result["again"] == [["other_pc1", "other_pc2"], result["right"]]
    enabled, why = result["still"]
    assert not enabled and "a linear model, in which density comes and goes but nothing moves" in why
