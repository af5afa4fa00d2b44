"""What a person sees who opens a project in a window: the map upright, the panel, and the project in Recent Files."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.jobs.project import mark
from explored_project import make_project

_CODE = """
def steps():
    from chimerax.core.filehistory import file_history
    from chimerax.flexrec.scene.scene_model import FlexRecModel

    def panels():
        return [one for one in session.tools.list() if one.tool_name == "FlexRec" and one.tool_window.shown]

    def seen():
        return {{
            "models": [str(one.folder) for one in session.models.list(type=FlexRecModel)],
            "panels": len(panels()), "about": panels()[0].scene.model is not None if panels() else None,
            "axes": session.main_view.camera.position.axes().tolist(),
            "recent": [[one.path, one.short_name(), one.format] for one in file_history(session).files],
        }}

    run("flexrec open {top}/project")
    yield 1
    result["flexrec open"] = seen()
    run("close session")
    for one in panels():
        one.delete()
    run("open {top}/project/project.flexrec")
    yield 1
    result["open"] = seen()
    again = file_history(session).files[-1].open_command()
    result["again"] = again
    run("close session; " + again)
    yield 1
    result["from recent files"] = seen()
    for one in panels():
        one.delete()
    run("close session; flexrec show whenOpening false; flexrec open {top}/project")
    yield 1
    result["without"] = seen()
    run("turn y 30; flexrec open {top}/project/003-train")
    yield 0.5
    result["second"] = seen()
    run("flexrec show whenOpening true")
    result["panels"] = len(panels())
"""

# notes for each piece of work whether it was done in the thread that draws the window
_THREADS = """
def steps():
    import threading
    from chimerax.flexrec.explore import trained_model
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
    from chimerax.flexrec.scene.moving import dragging

    window, seen = threading.get_ident(), result.setdefault("in the window's thread", {{}})

    def noted(name, work):
        def note(*given):
            seen[name] = seen.get(name, False) or threading.get_ident() == window
            return work(*given)
        return note

    support = trained_model.Support
    trained_model.components_of = noted("components", trained_model.components_of)
    support.of = noted("particles around a point", support.of)
    dragging.contour_of, dragging.LARGE = noted("moving contour", dragging.contour_of), 16
    run("flexrec open {top}/project")
    tool = FlexRecTool.shown(session)
    yield lambda: tool.panel.plot.plane is not None and tool.scene.model.dragging.contour is not None and len(seen) == 3
    result["axes"] = tool.panel.plot.plane.names
    run("flexrec path pc 1")
    result["frames"] = len(tool.scene.path)
"""


@pytest.fixture
def top(chimerax):
    folder = chimerax.new_folder()
    make_project(folder / "project", sizes=(6.0, 0.5))
    mark(folder / "project")
    chimerax.give(folder)
    return folder


def test_the_panel_and_an_upright_map_come_with_a_model_and_recent_files_open_it_again(chimerax, top):
    found = chimerax.window(_CODE.format(top=top))
    project = top / "project"
    for name in ("flexrec open", "open", "from recent files"):
        one = found[name]
        assert one["models"] == [str(project / "003-train")] and one["panels"] == 1 and one["about"], name
        assert np.allclose(one["axes"], [(1, 0, 0), (0, 0, 1), (0, -1, 0)], atol=1e-6), name  # z is up
        assert one["recent"][-1] == [str(project), "project", "flexrec"], name
        assert [path for path, _, _ in one["recent"]].count(str(project)) == 1
    assert found["again"] == f"open {project} format flexrec"
    assert found["without"]["panels"] == 0 and found["panels"] == 1
    turned = np.array(found["second"]["axes"])
    assert len(found["second"]["models"]) == 2 and not np.allclose(turned, found["without"]["axes"], atol=0.1)


def test_what_takes_long_of_a_large_model_is_found_while_the_window_goes_on(chimerax, top):
    found = chimerax.window(_THREADS.format(top=top))
    names = ("components", "particles around a point", "moving contour")
    assert found["in the window's thread"] == dict.fromkeys(names, False)
    assert found["axes"] == ["pc1", "pc2"] and found["frames"] > 2


def test_scripts_open_with_the_same_look_and_without_a_panel(chimerax, top):
    found = chimerax.run(f"""
run("open {top}/project/project.flexrec")
result["axes"] = [session.main_view.camera.position.axes().tolist()]
run("close; flexrec open {top}/project")
result["axes"].append(session.main_view.camera.position.axes().tolist())
run("turn y 30; open {top}/project/project.flexrec")
result["turned"] = session.main_view.camera.position.axes().tolist()
""", offscreen=True)  # fmt: skip
    for axes in found["axes"]:
        assert np.allclose(axes, [(1, 0, 0), (0, 0, 1), (0, -1, 0)], atol=1e-6)
    assert not np.allclose(found["turned"], found["axes"][0], atol=0.1)
