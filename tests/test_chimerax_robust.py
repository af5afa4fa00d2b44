"""What goes wrong while a model is open in a real ChimeraX: killed processes, lost folders, wrong words."""

from __future__ import annotations

import pytest
from trained_models import make_trained

BEGIN = """
import json, os, shutil, sys
import numpy as np, psutil
from pathlib import Path
from chimerax.flexrec.scene.decoding import decoding
from chimerax.core.python_utils import chimerax_python_executable

top = Path("{top}")
folder = top / "001-train"

def engines():
    return [one for one in psutil.Process().children()
            if one.status() != "zombie" and any("boot.py" in word for word in one.cmdline())]

def end():
    for one in engines():
        one.kill()

def told(text):
    try:
        run(text)
    except UserError as error:
        return str(error)
    return ""

model = run(f"flexrec open {{top}}")
run("flexrec volume at 0.5,0.5")
"""


@pytest.fixture
def tried(chimerax):
    """Runs a script with a model open in its ``top`` folder, and returns its result."""

    def run(code: str) -> dict:
        top = chimerax.new_folder()
        make_trained(top / "001-train")
        chimerax.give(top)
        return chimerax.run(BEGIN.format(top=top) + code)

    return run


def test_the_next_command_works_after_the_engine_was_killed(tried):
    found = tried("""
for turn in range(8):
    end()
    run(f"flexrec volume at {turn / 10},0")
    run("flexrec flow count 20") if turn % 2 else run("flexrec mesh")
run("flexrec open " + str(top))
end()
run("close session")
result["engines"] = len(engines())
result["after"] = told("flexrec volume at 0,0")
""")
    assert found["engines"] <= 1 and found["after"].startswith("no FlexRec model is open")


def test_a_model_without_any_latent_numbers_is_refused_and_what_was_open_stays(tried):
    found = tried("""
shutil.copytree(folder, top / "002-train")
with np.load(folder / "latents.npz") as file:
    np.savez(top / "002-train" / "latents.npz", z=np.full_like(file["z"], np.nan), precision=file["precision"])
result["told"] = [told(f"flexrec open {top}"), told(f"open {top / '002-train'} format flexrec")]
result["open"] = [one is model for one in session.models.list() if type(one) is type(model)]
""")
    assert ["no particle's latents are numbers" in sentence for sentence in found["told"]] == [True, True], found
    assert found["open"] == [True]


def test_a_folder_that_is_gone_is_named(tried):
    found = tried("""
shutil.move(folder, top / "elsewhere")
result["open"] = told("flexrec volume at 0,0")
end()
result["lost"] = [told("flexrec volume at 0.1,0"), told("flexrec flow")]
shutil.move(top / "elsewhere", folder)
end()
result["back"] = told("flexrec volume at 0.2,0")
""")
    assert found["open"] == "" and found["back"] == ""
    assert all("001-train: there is no such folder; give" in sentence for sentence in found["lost"])


def test_what_would_be_kept_in_a_project_that_is_gone_is_refused_in_a_sentence(tried):
    found = tried("""
shutil.rmtree(top)
result["told"] = [told(f"flexrec {words}") for words in (
    "state keep open", "select name a where 'pc1 > 0'", "cluster count 2", "landscape", f"path pc1 output {top}/p.json",
    "selections", "state list")]
result["open"] = told("flexrec volume at 0,0")
""")
    for sentence in found["told"][:4]:
        assert sentence.endswith("put its project back.") and len(sentence.splitlines()) == 1
    assert "there is no folder" in found["told"][4] and found["told"][5:] == ["", ""] and found["open"] == ""


def test_a_map_that_was_closed_comes_back_only_when_it_is_asked_for(tried):
    found = tried("""
def names():
    return sorted(one.name for one in model.child_models())
result["after"] = []
run("flexrec path pc1 frames 3; flexrec state keep open; close #1.1")
for words in ("play", "scrub 0.5", "flow count 20", "flow show false", "morph 0,0 1,1 frames 2", "state keep other",
              "state compare open other how beside", "state clear"):
    run(f"flexrec {words}")
    result["after"].append([words, names()])
run("undo")
model.drag(np.array((0.3, 0.1)))
result["after"].append(["drag", names()])
run("flexrec volume at 0.1,0.1")
result["asked"] = names()
wanted = model.learned.decode(model.z)
result["off"] = float(abs(model.map.data.array - wanted).max() / wanted.max())
run(f"close #{model.map.id_string}; flexrec state show open")
result["shown"] = names()
""")
    assert all("map" not in names for _, names in found["after"]), found["after"]
    assert found["asked"] == found["shown"] == ["flow", "map"] and found["off"] < 1e-4


def test_a_newer_checkpoint_of_another_size_takes_the_place_of_an_older_one(tried):
    found = tried("""
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.particles.resample import resample_box
run("flexrec mesh color strain; flexrec flow count 20; color #1.1 gold; volume #1.1 level 0.3")
volume, pixel = read_map(folder / "map.mrc", 3.0)
write_map(folder / "map.mrc", resample_box(volume, 16), 6.0)
about = json.loads((folder / "model.json").read_text())
(folder / "model.json").write_text(json.dumps({**about, "epoch": 4, "stage_box": 16}))
end()
run("flexrec volume at 0.2,-0.1")
result["size"], result["level"], result["epoch"] = model.map.data.size, model.map.level, model.learned.epoch
result["colour"] = list(model.map.surfaces[0].rgba)
result["children"] = sorted(one.name for one in model.child_models())
""")
    assert found["size"] == [16, 16, 16] and found["epoch"] == 4 and found["level"] == pytest.approx(0.3)
    assert found["colour"] == pytest.approx([1, 215 / 255, 0, 1], abs=0.01)
    assert found["children"] == ["flow", "map", "mesh"]


def test_a_python_that_cannot_compute_is_answered_by_a_sentence(tried):
    found = tried("""
result["told"] = []
for python in ("/nowhere/python", "/bin/false", str(top)):
    decoding(session).restart_with(python)
    result["told"].append(told("flexrec volume at 0,0"))
decoding(session).restart_with(chimerax_python_executable())
result["mended"] = told("flexrec volume at 0,0")
""")
    assert found["told"][0] == "/nowhere/python cannot be run (No such file or directory); give the path of a Python."
    assert "the engine could not start: /bin/false ended with exit status 1" in found["told"][1]
    assert "cannot be run (Permission denied)" in found["told"][2]
    assert found["mended"] == ""


def test_points_that_are_none_are_answered_by_a_sentence(tried):
    found = tried("""
result["told"] = [told("flexrec volume at " + z) for z in ("1", "1,2,3", "nan,0", "a,b", "90,90", "4,4")]
""")
    few, many, not_a_number, words, mistyped, far = found["told"]
    assert few == "z has 1 numbers, and the model has 2 latent dimensions; give 2." and "z has 3 numbers" in many
    assert "give finite ones" in not_a_number and "'a' is no number, particle (p12)" in words and far == ""
    assert mistyped.startswith("z1 = 90 is far from all particles, where a map means nothing; give a number from -")


def test_what_the_user_changed_by_hand_stays(tried):
    found = tried("""
run("volume #1.1 level 0.25 step 2 color red")
model.drag(np.array((0.3, 0.1)))
result["moving"] = model.dragging.drawn
result["contour"] = model.map.child_models()[-1].color.tolist()
run("flexrec volume at 0.1,0.1")
result["settled"] = [model.dragging.drawn, model.map.surfaces[0].display]
run("hide #1.1 models")
model.drag(np.array((0.4, 0.1)))
run("flexrec volume at 0.2,0.1")
result["hidden"] = [model.map.display, any(one.visible for one in model.map.child_models())]
result["look"] = [model.map.level, model.map.region[2], list(model.map.surfaces[0].rgba)]
run("flexrec mesh; flexrec flow count 20; close #1.2; close #1.3; close #1.1")
run("flexrec volume at 0,0; flexrec mesh; flexrec flow count 20")
result["again"] = sorted(one.name for one in model.child_models())
z = model.z.copy()
run("flexrec volume at 0.6,0.6; undo")
result["undone"] = bool((model.z == z).all())
run("redo; close #1; undo")
""")
    assert found["moving"] and found["contour"] == [255, 0, 0, 255] and found["settled"] == [False, True]
    assert found["hidden"] == [False, False] and found["look"] == [0.25, [2, 2, 2], [1, 0, 0, 1]]
    assert found["again"] == ["flow", "map", "mesh"] and found["undone"]


def test_atoms_that_were_deleted_do_not_stop_the_others(tried):
    line = "ATOM  {0:5d}  CA  ALA A{0:4d}    {1:8.3f}  48.000  48.000  1.00  0.00           C  \n"
    text = "".join(line.format(i + 1, 48 + 3.0 * (i - 4)) for i in range(9))
    found = tried(f"""
(top / "atoms.pdb").write_text({text!r})
atoms = run(f"open {{top}}/atoms.pdb")[0]
run("flexrec volume rest; flexrec follow #2")
before = atoms.atoms.coords
run("flexrec volume at 1,0")
moved = atoms.atoms.coords
run("delete #2:3-5; flexrec volume rest")
kept = [0, 1, 5, 6, 7, 8]
result["rest"] = float(abs(atoms.atoms.coords - before[kept]).max())
run("flexrec volume at 1,0")
result["moved"] = float(abs(atoms.atoms.coords - moved[kept]).max())
result["far"] = float(abs(moved - before).max())
run("close #2; flexrec volume at 0,0")
""")
    assert found["rest"] < 1e-4 and found["moved"] < 1e-4 < 0.1 < found["far"]
