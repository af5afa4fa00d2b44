"""Session files and scenes, and the example that ships, in a real ChimeraX."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.jobs.demo_project import SHIPPED
from chimerax.flexrec.jobs.simulate.simulate_again import regenerated_images
from chimerax.flexrec.particles import read_particles
from trained_models import make_trained

# What a session is to keep, in words of ChimeraX; {top} is a folder with a project and a session file in it.
DRAWN = """
model = run("flexrec open {top}/project")
run("flexrec volume at 0.8,-0.4")
run("flexrec mesh color strain")
run("flexrec flow count 50 scale 2 reference rest")
run("color #1.1 gold; transparency #1.1 30; volume #1.1 level 0.3; move x 20 models #1; view")
atoms = run("open {top}/atoms.pdb")[0]
run("flexrec follow #2")
run("flexrec volume at 0.5,0.5")
"""
LOOKS = """
from chimerax.flexrec.scene.scene_model import FlexRecModel
from chimerax.atomic import AtomicStructure

def pixels(name):
    run(f"save {{name}}.png width 300 height 240 supersample 2")
    from PIL import Image
    import numpy as np
    return np.asarray(Image.open(f"{{name}}.png").convert("RGB")).astype(int)

def unlike(one, other):
    return int((abs(one - other).max(axis=2) > 8).sum())

def opened():
    return session.models.list(type=FlexRecModel)
"""
SAVE = LOOKS + DRAWN + """
import numpy as np
from pathlib import Path
np.save("{top}/picture.npy", pixels("{top}/before"))
np.save("{top}/atoms.npy", atoms.atoms.coords)
run("save {top}/one.cxs")
"""
OPEN = LOOKS + """
import numpy as np
run("open {top}/one.cxs")
model, = opened()
result["ids"] = [m.id_string for m in session.models.list() if "missing" not in m.name]
result["z"], result["folder"] = model.z.tolist(), str(model.folder)
result["unlike"] = unlike(pixels("{top}/after"), np.load("{saved}/picture.npy"))
structure, = session.models.list(type=AtomicStructure)
result["moved"] = float(abs(structure.atoms.coords - np.load("{saved}/atoms.npy")).max())
run("flexrec volume rest")
result["followed"] = float(abs(structure.atoms.coords - np.load("{saved}/atoms.npy")).max())
"""


def write_atoms(path: Path) -> None:
    """A few atoms where the molecule of `make_trained` is: in the middle of its box of 32 voxels of 3 Å."""
    line = "ATOM  {0:5d}  CA  ALA A{0:4d}    {1:8.3f}{2:8.3f}{3:8.3f}  1.00  0.00           C  \n"
    path.write_text("".join(line.format(i + 1, 48 + 3.0 * (i - 4), 48.0, 48.0) for i in range(9)) + "END\n")


@pytest.fixture(scope="module")
def saved(chimerax) -> Path:
    """A folder with a project, and a session of it that ChimeraX has saved and left."""
    top = chimerax.new_folder()
    make_trained(top / "project" / "001-train")
    write_atoms(top / "atoms.pdb")
    chimerax.give(top)
    chimerax.run(SAVE.format(top=top), offscreen=True)
    return top


def copied(chimerax, saved: Path, *names: str) -> Path:
    """A new folder with some of what was saved."""
    top = chimerax.new_folder()
    for name in names:
        (shutil.copytree if (saved / name).is_dir() else shutil.copy)(saved / name, top / name)
    chimerax.give(top)
    return top


def reopened(chimerax, saved: Path, top: Path) -> dict:
    result = chimerax.run(OPEN.format(top=top, saved=saved), offscreen=True)
    assert np.allclose(result["z"], (0.5, 0.5)) and result["unlike"] <= 5
    assert result["moved"] < 1e-3 < result["followed"]
    assert result["ids"] == ["1", "1.1", "1.1.1", "1.2", "1.3", "2"]
    return result


def test_a_session_looks_the_same_after_a_restart(chimerax, saved):
    assert reopened(chimerax, saved, saved)["folder"] == str(saved / "project" / "001-train")


def test_project_and_session_move_together_or_the_session_alone(chimerax, saved):
    together = copied(chimerax, saved, "one.cxs", "project")
    assert reopened(chimerax, saved, together)["folder"] == str(together / "project" / "001-train")
    alone = copied(chimerax, saved, "one.cxs")
    assert reopened(chimerax, saved, alone)["folder"] == str(saved / "project" / "001-train")


MISSING = LOOKS + DRAWN + """
import shutil
run("save {top}/two.cxs")
run("close session")
shutil.move("{top}/project", "{top}/elsewhere")
from chimerax.core.logger import PlainTextLog

class Said(PlainTextLog):
    propagate_to_chimerax_log = False
    def log(self, level, message):
        result.setdefault("said", []).append(message)
        return True

said = Said()
session.logger.add_log(said)
run("open {top}/two.cxs")
result["models"] = [one.name for one in session.models.list() if "missing" not in one.name]
shutil.move("{top}/elsewhere", "{top}/project")
record = json.load(open("{top}/project/001-train/model.json"))
record["epoch"] += 1
json.dump(record, open("{top}/project/001-train/model.json", "w"))
arrays = dict(np.load("{top}/project/001-train/flow.npz"))
arrays["linear.weight"] *= 1.1
np.savez("{top}/project/001-train/flow.npz", **arrays)
result["said"] += ["----"]
run("open {top}/two.cxs")
session.logger.remove_log(said)
result["z"] = opened()[0].z.tolist()
"""


def test_a_project_that_is_gone_or_was_trained_on_is_told(chimerax, saved):
    top = copied(chimerax, saved, "project", "atoms.pdb")
    result = chimerax.run("import json, numpy as np\n" + MISSING.format(top=top))
    gone, changed = "\n".join(result["said"]).split("----")
    assert f"its project {top}/project/001-train is not there. Put it back" in gone and "Traceback" not in gone
    assert result["models"] == ["atoms.pdb"] and np.allclose(result["z"], (0.5, 0.5))
    assert "is not the one that was saved; it is shown as it is now, after epoch 4 of 10" in changed


ASKED = LOOKS + """
def steps():
    import shutil
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

    run("flexrec open {top}/project")
    run("flexrec volume at 0.5,0.5")
    run("save {top}/two.cxs")
    run("close session")
    shutil.move("{top}/project", "{top}/elsewhere")
    answers, result["titles"] = ["{top}", "{top}/elsewhere", None], []

    def answer():
        # what is asked for next is answered, once, as soon as the dialog has understood the answer
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QFileDialog) and not dialog.property("answered"):
            word, field = answers[0], dialog.findChild(QLineEdit, "fileNameEdit")
            if word is not None and dialog.selectedFiles() != [word]:
                field.setText(word)
            else:
                dialog.setProperty("answered", True)
                result["titles"].append(dialog.windowTitle())
                answers.pop(0)
                if word is None:
                    dialog.reject()
                    return
                buttons = dialog.findChild(QDialogButtonBox)
                buttons.button(QDialogButtonBox.StandardButton.Open).click()
        if answers:
            QTimer.singleShot(100, answer)

    answer()
    run("open {top}/two.cxs")
    model, = opened()
    result["folder"], result["z"] = str(model.folder), model.z.tolist()
    run("open {top}/two.cxs")
    result["given up"] = len(opened())
    yield 0
"""


def test_in_a_window_a_project_that_is_gone_is_asked_for_until_one_is_named(chimerax, saved):
    top = copied(chimerax, saved, "project")
    result = chimerax.window(ASKED.format(top=top))
    first, second, third = result["titles"]
    assert first.startswith("Where is the project of ") and f"{top}/project/001-train" in first
    assert "Where is the project of" in second and str(top) in second  # why the folder above it will not do
    assert result["folder"] == f"{top}/elsewhere/001-train" and np.allclose(result["z"], (0.5, 0.5))
    assert third == first and result["given up"] == 0


SCENES = LOOKS + DRAWN + """
run("scenes save one")
first = pixels("{top}/first")
run("flexrec volume at -1,0.2; flexrec mesh show false; scenes save two")
second = pixels("{top}/second")
run("save {top}/three.cxs; close session; open {top}/three.cxs")
result["second"] = unlike(second, pixels("{top}/second"))
run("scenes restore one")
result["first"], result["z"] = unlike(first, pixels("{top}/first")), opened()[0].z.tolist()
result["apart"] = unlike(first, second)
run("open {top}/three.cxs combine true")
result["models"] = [one.id_string for one in opened()]
"""


def test_scenes_keep_the_point_and_outlive_a_session(chimerax, saved):
    top = copied(chimerax, saved, "project", "atoms.pdb")
    result = chimerax.run(SCENES.format(top=top), offscreen=True)
    assert result["first"] <= 5 and result["second"] <= 5 < 100 < result["apart"]
    assert np.allclose(result["z"], (0.5, 0.5)) and result["models"] == ["1", "3"]


def test_the_example_opens_and_its_atoms_follow(chimerax):
    folder = chimerax.new_folder()
    result = chimerax.run(f"""
model = run("flexrec demo folder {folder}")
molecule = session.models.list()[-1]
before = molecule.atoms.coords
run("flexrec volume at 1.2,1")
result["moved"] = float(abs(molecule.atoms.coords - before).max())
result["inside"] = float(model.map.interpolated_values(molecule.atoms.scene_coords).mean() / model.map.level)
result["left behind"] = float(model.map.interpolated_values(before).mean() / model.map.level)
run("close session; flexrec demo folder {folder}")
""")
    assert result["moved"] > 10 and result["inside"] > 1.2 * result["left behind"] > 0
    jobs = sorted(path.name for path in folder.iterdir())
    assert jobs == ["001-simulate", "002-prep", "003-mesh", "004-train", "project.flexrec"]


IMAGES = """
def steps():
    from pathlib import Path
    from chimerax.flexrec.panel.tabs.montage import Montage
    from chimerax.flexrec.panel_in_chimerax.tool import FlexRecTool
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QPushButton
    folder = {folder!r}

    def press(panel, name):
        QTest.mouseClick(panel.findChild(QPushButton, name + " of selection"), Qt.MouseButton.LeftButton)

    run("flexrec demo folder " + folder)
    run("flexrec show")
    yield 1.5
    panel = FlexRecTool.shown(session).panel
    panel.show_tab(panel.selections)
    panel.selections.where.setText("pc1 > 1")
    panel.selections.select_where()
    yield 0.5
    press(panel, "images")
    window = panel.findChild(Montage)
    rows = window.images.rows[[0, 3, 70]]
    result["said"], result["rows"] = window.words.text(), rows.tolist()
    result["images"] = window.images.read(rows)[:, ::9, ::9].tolist()
    panel.selections.selection_actions.export_to(panel.selections.chosen, folder + "/few.star")
    result["exported"], result["selected"] = panel.messages.whole, len(panel.selections.chosen)
    press(panel, "typical state")
    result["shown"] = panel.messages.whole
    away = Path(folder) / "moved"
    away.mkdir()
    run("close session")
    try:
        run("flexrec images " + str(away))
    except Exception as error:
        result["none open"] = str(error)
    run("flexrec open " + folder)
    try:
        run("flexrec images " + str(away))
    except Exception as error:
        result["none there"] = str(error)
"""


def test_the_example_has_images_and_exports_its_particles(chimerax):
    folder = chimerax.new_folder()
    result = chimerax.window(IMAGES.format(folder=str(folder)))
    assert "simulated images 1 to 40 of" in result["said"] and "001-simulate" in result["said"]
    wanted = regenerated_images(SHIPPED / "001-simulate").read(np.array(result["rows"]))[:, ::9, ::9]
    assert np.abs(np.array(result["images"]) - wanted).max() < 1e-4  # of noise of variance 1, and another numpy
    assert "those of 002-prep/particles.star" in result["exported"]
    assert len(read_particles(folder / "few.star")) == result["selected"] > 100
    assert "no reconstruction" in result["shown"]
    assert "has no particles.star" in result["none there"] and result["none open"]


def test_the_example_is_small_and_holds_no_place_of_its_maker(repository):
    files = [path for path in (repository / "src/demo").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 5_000_000
    for path in files:
        if path.suffix == ".json":
            assert not [value for value in json.loads(path.read_text()).items() if str(value[1]).startswith("/")]
