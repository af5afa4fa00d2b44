"""The panel in a real ChimeraX: real mouse events on its canvas, real maps in its scene."""

from __future__ import annotations

import pytest
from explored_project import make_project

_STEPS = """
def steps():
    import numpy as np
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest
    left = Qt.MouseButton.LeftButton

    run("flexrec show")
    yield 1
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
    tool = FlexRecTool.shown(session)
    panel, scene, canvas = tool.panel, tool.scene, tool.panel.plot.canvas
    result["empty"] = panel.welcome.isVisible()
    run("flexrec open " + {project!r})
    yield 2
    panel.plot.show_axes(("z1", "z2"))
    yield 1

    def pixel(x, y):
        across, up = canvas.axes.transData.transform((x, y)) / canvas.device_pixel_ratio
        return QPoint(round(across), round(canvas.height() - up))

    def under(place):
        device = np.array([place.x(), canvas.height() - place.y()]) * canvas.device_pixel_ratio
        return canvas.axes.transData.inverted().transform(device).tolist()

    place = pixel(0.6, -0.4)
    QTest.mouseClick(canvas, left, pos=place)
    yield 2
    model = scene.model
    result["clicked"] = under(place), scene.z.tolist()
    wanted = scene.trained.model.decode(scene.z)
    result["off after a click"] = float(np.abs(model.map.data.array - wanted).max() / wanted.max())

    QTest.mousePress(canvas, left, pos=place)
    for k in range(20):
        last = pixel(0.6 - 0.05 * k, -0.4 + 0.03 * k)
        QTest.mouseMove(canvas, last)
        yield 0.02
    result["moving contour"] = any(one.display for one in model.map.child_models() if one.name == "moving contour")
    QTest.mouseRelease(canvas, left, pos=last)
    yield 1.5
    wanted = scene.trained.model.decode(scene.z)
    result["dragged"] = under(last), scene.z.tolist()
    result["off after a drag"] = float(np.abs(model.map.data.array - wanted).max() / wanted.max())

    run("flexrec path z 1 frames 5")
    yield 0.5
    result["path drawn"] = len(canvas.marks.path.get_xdata())
    result["after playing"] = []
    for point, act in (((0.3, 0.5), QTest.mouseClick), ((-0.4, 0.6), None)):
        run("flexrec play seconds 20 loop true")
        yield 0.6
        if act is None:
            run("flexrec volume at " + ",".join(map(str, point)))
        else:
            act(canvas, left, pos=pixel(*point))
        yield 0.5
        wanted = list(point) if act is None else under(pixel(*point))
        result["after playing"].append((scene.playing, wanted, scene.z.tolist()))
    panel.plot.color_by("uncertainty")
    scene.run("flexrec volume at 1,2,3")
    result["told"] = panel.messages.whole
    look = panel.display_state()
    run("save session.cxs")
    run("close session")
    yield 0.5
    run("open session.cxs")
    yield 2
    again = FlexRecTool.shown(session)
    result["restored"] = again.panel.display_state() == look and again.scene.z is not None
    run("close")
    yield 0.5
    result["empty again"] = again.panel.welcome.isVisible()
    again.delete()
    run("flexrec show")
    yield 0.5
    result["shown again"] = FlexRecTool.shown(session) is not again
"""


def test_the_map_follows_the_hand(chimerax):
    folder = chimerax.new_folder()
    make_project(folder / "project")
    chimerax.give(folder)
    result = chimerax.window(_STEPS.replace("{project!r}", repr(str(folder / "project"))))
    wanted, z = result["clicked"]
    assert z == pytest.approx(wanted, abs=1e-5)
    wanted, z = result["dragged"]
    assert z == pytest.approx(wanted, abs=1e-5)
    assert result["off after a click"] < 1e-4 and result["off after a drag"] < 1e-4
    assert result["moving contour"] and result["path drawn"] == 5
    for playing, wanted, z in result["after playing"]:
        assert not playing and z == pytest.approx(wanted, abs=1e-5)
    assert "2 latent dimensions" in result["told"]
    assert result["empty"] and result["restored"] and result["empty again"] and result["shown again"]


_BY_OTHERS = """
def steps():
    import numpy as np
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QAbstractButton
    from chimerax.flexrec.panel.tabs.moving_tab import MovingTab
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool

    left = Qt.MouseButton.LeftButton
    run("flexrec show")
    run("flexrec open " + {project!r})
    tool = FlexRecTool.shown(session)
    panel, scene = tool.panel, tool.scene
    moving, canvas = panel.findChild(MovingTab), panel.plot.canvas

    def middle(x, y):
        return QPoint(canvas.width() // 2 + x, canvas.height() // 2 + y)

    def ticks():
        return [moving.mesh.isChecked(), moving.arrows.isChecked()]

    result["ticks"] = []
    for words in ("flexrec mesh color strain; flexrec flow count 30 scale 2", "flexrec mesh show false",
                  "hide #1.3 models", "flexrec mesh", "show #1.3 models", "close #1.2", "flexrec flow show false"):
        for command in words.split(";"):
            run(command)
        yield 0.7
        result["ticks"].append([words, *ticks()])
    result["numbers"] = [moving.count.value(), moving.scale.value()]
    run("rename #1 id #7")
    run("rename #7 mine")
    yield 0.3
    result["named"] = tool._models.itemText(0)

    run("flexrec path pc1 frames 9")
    run("flexrec play loop true")
    yield 0.8
    contour = scene.model.dragging.contour
    contour.vertex_colors = np.full((len(contour.vertices), 4), 255, np.uint8)  # as slow graphics have it
    result["swatch"] = [part.tolist() for part in (contour.overall_color, scene.model.map.overall_color)]
    run("close #7.1")
    yield 0.5
    result["while it plays"] = [scene.playing, scene.model.map is None]
    run("flexrec pause")
    yield 0.5
    result["paused"] = [panel.bar.play.text(), scene.model.map is None]

    def buttons():
        pages = (panel.selections, panel.states, panel.paths)
        return [one.isEnabled() for page in pages for one in page.findChildren(QAbstractButton)]

    result["buttons"] = any(buttons())
    QTest.mousePress(canvas, left, pos=middle(-20, -10))
    QTest.mouseMove(canvas, middle(0, 0))
    yield 0.1
    run("close #7")
    QTest.mouseMove(canvas, middle(20, 10))
    yield 0.1
    QTest.mouseRelease(canvas, left, pos=middle(20, 10))
    yield 0.3
    result["without a model"] = [any(buttons()), ticks(), panel.welcome.isVisible()]
    run("flexrec open " + {project!r})
    yield 1
    QTest.mousePress(canvas, left, pos=middle(-20, -10))
    QTest.mouseMove(canvas, middle(0, 0))
    yield 0.3
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    yield 1
    wanted = scene.trained.model.decode(scene.z)
    result["off after Escape"] = float(np.abs(scene.model.map.data.array - wanted).max() / wanted.max())
"""


def test_what_others_close_hide_and_show_is_shown_in_the_panel(chimerax):
    folder = chimerax.new_folder()
    make_project(folder / "project")
    chimerax.give(folder)
    result = chimerax.window(_BY_OTHERS.replace("{project!r}", repr(str(folder / "project"))))
    assert [ticks for _, *ticks in result["ticks"]] == [
        [True, True], [False, True], [False, False], [True, False], [True, True], [False, True], [False, False],
    ], result["ticks"]  # fmt: skip
    assert result["numbers"] == [30, 2.0] and result["named"] == "#7 mine"
    assert result["swatch"][0] == result["swatch"][1]
    assert result["while it plays"] == [True, True] and result["paused"] == ["Play", True]
    assert result["buttons"] and result["without a model"] == [False, [False, False], True]
    assert result["off after Escape"] < 1e-4


_ROOM = """
def steps():
    from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication
    from chimerax.flexrec.scene.settings import panel_settings

    kept = panel_settings(session)
    kept.width = kept.height = 0  # as for somebody who opens it for the first time
    main = session.ui.main_window
    main.setGeometry(main.screen().geometry())
    yield 1
    run("flexrec show")
    yield 1
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
    tool = FlexRecTool.shown(session)
    panel, dock, view = tool.panel, tool.tool_window._dock_widget, main.centralWidget()
    result["shares"] = {"nothing open": view.width() / main.width()}
    run("flexrec open " + {project!r})
    yield 2
    result["screen"], result["plots"], result["places"] = (main.width(), main.height()), {}, []
    for number in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(number)
        yield 0.3
        title = panel.tabs.tabText(number)
        result["shares"][title] = view.width() / main.width()
        result["plots"][title] = panel.plot.canvas.height(), panel.height()
        bar = panel.tabs.tabBar()
        corner = bar.mapTo(panel, QPoint(0, 0))
        shown = all(bar.rect().contains(bar.tabRect(k)) for k in range(bar.count()))
        result["places"].append((corner.x(), corner.y(), bar.width(), shown))
    result["tabs"] = [one.windowTitle() for one in main.tabifiedDockWidgets(dock)]
    edge = view.mapTo(main, QPoint(view.width() + 3, view.height() // 2))  # what is between 3D view and docks
    assert main.isSeparator(edge)
    before, hold, none = dock.width(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(main, hold, none, edge)
    for further in (10, 20, 40):  # QTest's own moves hold no button, and a main window wants one
        place = QPointF(edge + QPoint(further, 0))
        moved = QMouseEvent(QEvent.Type.MouseMove, place, QPointF(main.mapToGlobal(place)), Qt.MouseButton.NoButton,
                            hold, none)
        QApplication.sendEvent(main, moved)
        yield 0.2
    QTest.mouseRelease(main, hold, none, edge + QPoint(40, 0))
    yield 1
    result["by hand"] = before, dock.width()
    dock.setFloating(True)
    yield 0.5
    result["floating"] = panel.plot.canvas.height(), panel.height(), dock.height() <= main.screen().geometry().height()
    dock.setFloating(False)
    yield 0.5
    result["shares"]["docked again"] = view.width() / main.width()
    panel.jobs_asked.emit()
    yield 1
    window = tool.jobs.window()
    result["jobs"] = tool.jobs.isVisible(), main.screen().geometry().contains(window.frameGeometry())
    rows = tool.jobs.table.viewport().height() / tool.jobs.table.verticalHeader().defaultSectionSize()
    result["rows"] = rows
    tool.jobs_window.shown = False
    yield 0.3
    tool.delete()
    yield 0.5
    run("flexrec show")
    again = FlexRecTool.shown(session).tool_window._dock_widget
    yield lambda: abs(again.width() - result["by hand"][1]) <= 5  # a busy machine takes long to lay docks out
    result["shown again"] = again.width()
    kept.width = kept.height = 0
"""
_SCREENS = [((1024, 640), 1), ((1280, 800), 1), ((1920, 1080), 1), ((3840, 2160), 2)]  # and how many pixels are one


@pytest.mark.parametrize(("screen", "scale"), _SCREENS)
def test_the_3d_view_keeps_half_of_the_window_and_the_plot_its_share(chimerax, screen, scale):
    folder = chimerax.new_folder()
    make_project(folder / "project")
    chimerax.give(folder)
    code = _ROOM.replace("{project!r}", repr(str(folder / "project")))
    result = chimerax.window(code, screen=screen, scale=scale)
    assert result["screen"] == [screen[0] // scale, screen[1] // scale]
    assert min(result["shares"].values()) >= 0.5, result["shares"]
    least = 250 if result["screen"][1] >= 800 else 0
    for title, (plot, panel) in result["plots"].items():
        assert plot >= max(0.4 * panel, least), (title, plot, panel)
    assert len(result["plots"]) == 5 and result["tabs"] == ["Log"]
    assert len({tuple(place) for place in result["places"]}) == 1 and result["places"][0][-1], result["places"]
    plot, panel, fits = result["floating"]
    assert plot >= 0.4 * panel and fits
    assert all(result["jobs"]) and result["rows"] >= 9
    before, after = result["by hand"]
    assert after == pytest.approx(before - 40, abs=5) and result["shown again"] == pytest.approx(after, abs=5)
