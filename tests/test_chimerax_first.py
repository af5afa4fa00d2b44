"""The first minutes in a real ChimeraX: the example fills the view, the toolbar's buttons do what they say, and a panel
that was docked again is in front.
"""

from __future__ import annotations

import pytest

_CODE = """
def steps():
    import numpy as np
    from chimerax.toolbar.tool import get_toolbar_singleton
    from qtpy.QtWidgets import QToolButton

    main = session.ui.main_window
    main.setGeometry(main.screen().geometry())
    yield 0.5

    def height():
        molecule = next(one for one in session.models.list() if one.name.startswith("molecule"))
        view, (wide, high) = session.main_view, session.main_view.window_size
        camera = view.camera
        near = camera.position.inverse() * molecule.atoms.scene_coords
        across = 2 * -near[:, 2] * np.tan(np.radians(camera.field_of_view / 2)) / wide
        up = near[:, 1] / across
        return float(up.max() - up.min()) / high

    run("flexrec demo {folder}/demo")
    result["project"] = [str(one.trained.project) for one in session.models.list() if hasattr(one, "trained")]
    result["at once"] = height()
    yield 2
    run("view pad 0.12")
    yield 0.5
    result["again"] = height()

    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
    tool = FlexRecTool.shown(session)
    model = tool.scene.model
    bar = get_toolbar_singleton(session).ttb
    page = bar.widget([bar.tabText(place) for place in range(bar.count())].index("FlexRec"))
    buttons = {{one.text().strip(): one for one in page.findChildren(QToolButton) if one.text()}}
    result["pressed"] = []
    for _ in range(3):
        for name in ("Mesh", "Flow"):
            buttons[name].click()
            yield 0.3
        result["pressed"].append([tool.scene.mesh_colour is not None, tool.scene.flow is not None])
    buttons["Jobs"].click()
    yield 0.5
    result["jobs"] = tool.jobs.isVisible() and tool.jobs.project is not None
    tool.jobs_window.shown = False

    dock = tool.tool_window._dock_widget
    dock.setFloating(True)
    yield 0.5
    dock.setFloating(False)
    yield 0.5
    result["in front"] = not tool.panel.visibleRegion().isEmpty()

    run("close")
    run("cd {folder}/begun")
    run("flexrec show jobs true")
    yield 0.5
    result["jobs of"] = str(tool.jobs.project)
"""


@pytest.fixture(scope="module")
def seen(chimerax):
    folder = chimerax.new_folder()
    (folder / "begun/001-simulate").mkdir(parents=True)
    chimerax.give(folder)
    return folder, chimerax.window(_CODE.format(folder=folder))


def test_the_example_fills_the_view_and_is_copied_where_it_is_asked_for(seen):
    folder, result = seen
    assert result["project"] == [str(folder / "demo")]
    assert result["at once"] == pytest.approx(result["again"], rel=0.02) and result["at once"] > 0.5


def test_buttons_of_the_toolbar_show_and_hide_and_open_the_window_of_jobs(seen):
    _, result = seen
    assert result["pressed"] == [[True, True], [False, False], [True, True]] and result["jobs"]


def test_the_window_of_jobs_is_about_the_current_folder_until_a_model_is_open(seen):
    folder, result = seen
    assert result["jobs of"] == str(folder / "begun")


def test_a_panel_that_is_docked_again_is_in_front(seen):
    assert seen[1]["in front"]


def test_the_examples_folder_is_also_taken_by_its_name(chimerax):
    folder = chimerax.new_folder()
    result = chimerax.run(f"""
run("flexrec demo folder '{folder}/my demo'")
result["there"] = [one.trained.project.name for one in session.models.list() if hasattr(one, "trained")]
""")
    assert result["there"] == ["my demo"]
