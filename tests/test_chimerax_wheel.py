"""The wheel that people install: its toolbar, its file format, its tool and its help, in a real ChimeraX."""

from __future__ import annotations

from pathlib import Path

import pytest
from chimerax.flexrec.jobs.project import mark
from trained_models import make_trained

_CODE = """
def steps():
    import os
    from chimerax.core.commands.cli import command_url
    from chimerax.core.toolshed import get_toolshed
    from chimerax.flexrec.scene.scene_model import FlexRecModel
    from chimerax.toolbar.tool import get_toolbar_singleton
    from qtpy.QtWidgets import QTabWidget, QToolButton

    def opened():
        return [str(one.folder) for one in session.models.list(type=FlexRecModel)]

    def panels():
        return [one for one in session.tools.list() if one.tool_name == "FlexRec"]

    about = get_toolshed().find_bundle("ChimeraX-FlexRec", session.logger)
    result["installed"] = about.get_path("docs")
    toolbar = get_toolbar_singleton(session).ttb
    tabs = [toolbar.tabText(place) for place in range(toolbar.count())]
    result["tabs"] = tabs
    page = toolbar.widget(tabs.index("FlexRec"))
    buttons = {{one.text().strip(): one for one in page.findChildren(QToolButton) if one.text()}}
    result["buttons"] = sorted(buttons)
    buttons["Panel"].click()
    yield 1
    result["pressed"] = len(panels())
    panels()[0].delete()
    for words in ("{project} format flexrec", "{project}/project.flexrec"):
        run("close; open " + words)
        yield 1
        result.setdefault("opened", []).append(opened())
    run("close; ui tool show FlexRec")
    yield 1
    result["tool"] = len(panels())
    for url in (command_url("flexrec open"), panels()[0].help):
        page = url.partition(":")[2].partition("#")[0].removeprefix("user/")
        result.setdefault("help", []).append(os.path.join(about.get_path("docs"), "user", page))
"""


@pytest.fixture
def project(chimerax):
    folder = chimerax.new_folder()
    make_trained(folder / "p" / "001-train")
    mark(folder / "p")
    chimerax.give(folder)
    return folder / "p"


def test_toolbar_file_format_tool_and_help_are_in_the_wheel_that_people_install(chimerax, project):
    found = chimerax.window(_CODE.format(project=project))
    assert found["buttons"] == ["Demo", "Flow", "Jobs", "Mesh", "Panel"] and found["pressed"] == 1
    assert found["opened"] == [[str(project / "001-train")]] * 2 and found["tool"] == 1
    assert found["installed"].startswith(str(chimerax.home))  # not the sources
    for page, word in zip(found["help"], ("flexrec open", "FlexRec"), strict=True):
        assert word in Path(page).read_text(encoding="utf-8"), page
