"""The bundle in a real ChimeraX: what is installed, what its commands do, and how mistakes are answered."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from chimerax.flexrec.jobs.project import mark
from chimerax.flexrec.models import open_model
from chimerax_runs import ChimeraX
from trained_models import make_trained

Z = (0.6, -0.4)


@pytest.fixture(scope="module")
def trained(chimerax, tmp_path_factory):
    """A project with one trained model."""
    folder, _ = make_trained(chimerax.new_folder() / "001-train")
    chimerax.give(folder.parent)
    return folder


def test_every_command_is_known_before_and_after_the_bundle_is_loaded(chimerax, repository):
    bundle = ElementTree.parse(repository / "bundle_info.xml").getroot()
    lines = [item.text.split(" :: ") for item in bundle.iterfind("Classifiers/ChimeraXClassifier")]
    named = {words: synopsis for kind, words, _, synopsis in lines if kind == "Command"}
    found = chimerax.run(f"""
from chimerax.core.commands import cli
names = {sorted(named)!r}
result["before"] = [name for name in names if cli.command_url(name) is None and "flexrec" not in
                    cli.usage(session, name)]
from chimerax.flexrec.commands.register import all_commands
result["commands"] = {{"flexrec " + words: about.synopsis for words, about, _ in all_commands()}}
run("usage flexrec open")
result["urls"] = [cli.command_url(name) for name in names]
result["usages"] = [cli.usage(session, name) for name in names]
""")
    assert found["before"] == [] and found["commands"] == named
    anchors = ["-".join(name.split()[1:]) for name in sorted(named)]
    assert found["urls"] == [f"help:user/commands/flexrec.html#{anchor}" for anchor in anchors]
    assert all(named[name] in usage for name, usage in zip(sorted(named), found["usages"]))


def test_the_map_is_that_of_the_model(chimerax, trained):
    mark(trained.parent)
    found = chimerax.run(f"""
import numpy as np
model = run("open {trained.parent}/project.flexrec")[0]
volume = run("flexrec volume at {Z[0]},{Z[1]}")
np.save("{trained.parent}/at.npy", volume.full_matrix())
same = run("flexrec volume particle 7")
np.save("{trained.parent}/seventh.npy", same.full_matrix())
result["same"] = same is volume
result["corner"], result["step"] = list(volume.data.xyz_to_ijk((0, 0, 0))), list(volume.data.step)
run("undo")
result["z"] = model.z.tolist()
run("flexrec volume rest")
np.save("{trained.parent}/rest.npy", volume.full_matrix())
""")
    flow = open_model(trained)
    scale = np.abs(flow.volume).max()
    for name, z in (("at", np.array(Z)), ("seventh", flow.latents[7])):
        assert np.abs(np.load(trained.parent / f"{name}.npy") - flow.decode(z)).max() < 1e-4 * scale
    assert np.array_equal(np.load(trained.parent / "rest.npy"), flow.volume)
    assert found["same"] and found["corner"] == [0, 0, 0] and found["step"] == [flow.pixel_size] * 3
    assert np.allclose(found["z"], Z)


PDB = "ATOM  {:5d}  CA  ALA A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           C  \n"


def test_mesh_arrows_and_atoms_move_with_it(chimerax, trained):
    flow = open_model(trained)
    centre = flow.box // 2 * flow.pixel_size
    atoms = flow.mesh.vertices[flow.mesh.cells].mean(axis=1)[::7]  # centres of cells: nothing lies outside
    atoms = np.round(atoms + centre, 3) - centre
    text = "".join(PDB.format(i, i, *xyz) for i, xyz in enumerate(atoms + centre, 1))
    (trained.parent / "atoms.pdb").write_text(text + "END\n")
    found = chimerax.run(f"""
model = run("flexrec open {trained}")
structure = run("open {trained.parent}/atoms.pdb autostyle false")[0]
run("flexrec volume at {Z[0]},{Z[1]}")
mesh = run("flexrec mesh color rigidity")
run(f"flexrec follow #{{structure.id_string}}")
arrows = run("flexrec flow count 200 threshold 0 reference rest")
shafts = next(one for one in arrows.child_drawings() if one.name == "shafts")
frames = shafts.positions.array()
result["mesh"] = (mesh.scene_position * mesh.vertices).tolist()
result["atoms"] = structure.atoms.scene_coords.tolist()
result["starts"], result["along"] = frames[:, :, 3].tolist(), frames[:, :, 2].tolist()
result["colours"] = shafts.colors.tolist()
result["place"] = arrows.scene_position.origin().tolist()
run(f"flexrec unfollow #{{structure.id_string}}")
result["back"] = structure.atoms.scene_coords.tolist()
""")
    z = np.array(Z)
    assert np.allclose(found["mesh"], flow.vertices(z) + centre, atol=1e-3)
    assert np.allclose(found["atoms"], flow.displace(z, atoms) + centre, atol=2e-3)
    assert np.allclose(found["back"], atoms + centre, atol=1e-3) and np.allclose(found["place"], centre)
    starts, along = np.array(found["starts"]), np.array(found["along"])
    direction = flow.displace(z, starts) - starts
    length = np.linalg.norm(direction, axis=1)
    cosine = np.sum(direction * along, axis=1) / np.maximum(length * np.linalg.norm(along, axis=1), 1e-9)
    assert 50 < len(starts) <= 200 and np.min(cosine[length > 0.1]) > 0.999
    red = np.array(found["colours"])[:, 0]
    assert np.corrcoef(red, length)[0, 1] > 0.9


def test_the_mesh_shows_where_half_models_agree(chimerax, trained):
    count = len(open_model(trained).mesh.vertices)
    difference = np.linspace(0, 4, count)
    found = chimerax.run(f"""
import numpy as np
from chimerax.core.errors import UserError
from pathlib import Path
model = run("flexrec open {trained}")
try:
    run("flexrec mesh color agreement")
except UserError as error:
    result["refused"], result["mesh"] = str(error), model.parts.mesh is None
difference = np.linspace(0, 4, {count}).astype(np.float32)
np.savez("{trained}/agreement.npz", motion=np.full({count}, 4.0, np.float32), difference=difference)
mesh = run("flexrec mesh color agreement")
result["colour"], result["title"] = mesh.colour, mesh.key.scale.title
result["colours"] = mesh.vertex_colors.tolist()
Path("{trained}/agreement.npz").unlink()
result["again"] = model.parts.show_mesh_again("agreement").colour
""")
    assert "no half models" in found["refused"] and found["mesh"]
    assert found["colour"] == "agreement" and "differ by, Å" in found["title"] and found["again"] == "part"
    green = np.array(found["colours"])[:, 1]
    assert np.corrcoef(green, difference)[0, 1] > 0.98


def test_a_picture_shows_the_surface_where_the_map_is_and_the_arrows_in_their_colours(chimerax, trained):
    place = trained.parent / "shown"
    found = chimerax.run(
        f"""
import numpy as np
from chimerax.graphics import OrthographicCamera
run("set bgColor white; lighting flat; graphics silhouettes false")
session.main_view.camera = OrthographicCamera(200)
model = run("flexrec open {trained}")
run("flexrec volume at {Z[0]},{Z[1]}")
run("color #1 blue")
run("view orient; view")
run("save {place}.png width 400 height 400 supersample 1")
camera = session.main_view.camera
result["camera"], result["width"] = camera.position.matrix.tolist(), float(camera.field_width)
result["level"] = model.map.level
arrows = run("flexrec flow threshold 0 width 3 reference rest")
result["colours"] = np.unique(arrows.child_drawings()[0].colors[:, :3], axis=0).tolist()
run("hide #1.1 models")
arrows.key.display = False
run("save {place}_flow.png width 400 height 400 supersample 1")
""",
        offscreen=True,
    )
    from PIL import Image

    flow = open_model(trained)
    inside = np.argwhere(flow.decode(np.array(Z)) > found["level"])[:, ::-1] * flow.pixel_size
    camera = np.array(found["camera"])
    across = (inside - camera[:, 3]) @ camera[:, :3]  # camera coordinates: x to the right, y up
    per_pixel = found["width"] / 400
    columns, rows = 200 + across[:, 0] / per_pixel, 200 - across[:, 1] / per_pixel
    picture = np.asarray(Image.open(f"{place}.png").convert("RGB")).astype(int)
    drawn = np.argwhere(picture.sum(axis=2) < 600)
    voxel = flow.pixel_size / per_pixel
    assert np.allclose(drawn.min(axis=0), (rows.min(), columns.min()), atol=voxel + 2)
    assert np.allclose(drawn.max(axis=0), (rows.max(), columns.max()), atol=voxel + 2)
    assert len(drawn) > 0.2 * np.ptp(rows) * np.ptp(columns)
    arrows = np.asarray(Image.open(f"{place}_flow.png").convert("RGB")).astype(int)
    seen = arrows[arrows.sum(axis=2) < 700]
    colours = np.minimum(1.16 * np.array(found["colours"]), 255)  # so bright is the flat light
    apart = np.abs(seen[:, None, :] - colours[None]).max(axis=2).min(axis=1)
    assert len(seen) > 500 and np.mean(apart < 25) > 0.8  # the rest are shaded sides
    assert np.ptp(colours[:, 0]) > 60 and np.ptp(seen[:, 0]) > 60


def test_a_newer_checkpoint_of_another_size_takes_the_place_of_the_shown_one(chimerax, tmp_path):
    folder, _ = make_trained(chimerax.new_folder() / "001-train")
    chimerax.give(folder.parent)
    newer, _ = make_trained(tmp_path / "001-train", motion=0.7, epoch=9)
    make_finer(newer)
    staged = chimerax.new_folder() / "newer"
    newer.rename(staged)
    chimerax.give(staged)
    found = chimerax.run(f"""
import shutil
import numpy as np
model = run("flexrec open {folder}")
volume = run("flexrec volume at {Z[0]},{Z[1]}")
volume.set_parameters(surface_colors=[(1, 0, 0, 1)])
run("flexrec mesh"); run("flexrec flow threshold 0 reference rest")
level = volume.level
shutil.copytree("{staged}", "{folder}", dirs_exist_ok=True)
model.reload()
np.save("{folder}/shown.npy", volume.full_matrix())
result["epoch"], result["z"] = model.learned.epoch, model.z.tolist()
result["same"] = model.map is volume and abs(volume.level - level) < 1e-6
result["colour"] = [int(value) for value in volume.surfaces[0].color]
result["mesh"] = model.parts.mesh.vertices.tolist()
result["size"] = list(volume.data.size)
""")
    flow = open_model(folder)
    assert found["epoch"] == 9 and found["same"] and found["colour"] == [255, 0, 0, 255]
    assert np.allclose(found["z"], Z) and found["size"] == [64, 64, 64]
    assert np.allclose(found["mesh"], flow.vertices(np.array(Z)), atol=1e-3)
    shown = np.load(folder / "shown.npy")
    assert np.abs(shown - flow.decode(np.array(Z))).max() < 1e-4 * np.abs(flow.volume).max()


def make_finer(folder) -> None:
    """Give a trained model's map twice the voxels over the same field of view, as a later stage of training does."""
    from chimerax.flexrec.mesh.map_files import read_map, write_map

    volume, pixel_size = read_map(folder / "map.mrc")
    finer = np.repeat(np.repeat(np.repeat(volume, 2, 0), 2, 1), 2, 2)
    write_map(folder / "map.mrc", finer, pixel_size / 2)
    record = json.loads((folder / "model.json").read_text())
    record |= {"box": len(finer), "pixel_size": record["pixel_size"] / 2, "stage_box": len(finer)}
    (folder / "model.json").write_text(json.dumps(record))


@pytest.mark.parametrize("opened", [False, True])
def test_mistakes_are_one_sentence(chimerax: ChimeraX, trained, opened):
    project = chimerax.new_folder()
    wrong = {
        "flexrec open /nowhere": "there is no such file",
        f"flexrec open {project}": "is no FlexRec project",
        f"open {project} format flexrec": "is no FlexRec project",
        "flexrec volume at #1": "Expected a latent point",
        "flexrec train epochs 0": "from 1 to 1000",
        "flexrec prep": "particles",
        "flexrec generate at x": "must be",
        f"flexrec log 3 project {project}": "no job 3",
        "flexrec jobs project /nowhere": "there is no folder",
        "flexrec mesh color part consensus map.mrc": "give either",
        "flexrec engine device gpu": "must be auto, cpu",
        "flexrec engine python /nowhere": "there is no file",
        "flexrec engine python /bin/ls": "/bin/ls is no working Python",
        "flexrec engine python /bin/echo": "/bin/echo is no working Python",
        "flexrec demo folder /bin/ls": "is a file; name a folder",
        f"flexrec train project {project}": "flexrec engine install",
        "flexrec run /nowhere.toml": "cannot be read",
    }
    if opened:
        wrong = {
            "flexrec volume at 1,2,3": "2 ",
            "flexrec volume at 1,2 particle 3": "exclude each other",
            "flexrec volume particle 999": "there is no particle 999",
            "flexrec volume at 1,nan": "number",
            "flexrec volume at one": "no number, particle",
            "flexrec volume level nan": "Expected a number",
            "flexrec volume at p1,p2": "is 2 points, and one is asked for",
            "flexrec state keep p12 at 0,0": "already means a number, particle or cluster",
            "flexrec morph 0,0 nobody": "kept state (none yet)",
            "flexrec flow count 0": "from 1 to 20000",
            "flexrec flow reference 1": "2 ",
        }
    found = chimerax.run(f"""
if {opened}:
    run("flexrec open {trained}")
else:
    result["none open"] = sentence("flexrec volume mean")
for command in {list(wrong)!r}:
    result[command] = sentence(command)
""")
    assert opened or "no FlexRec model is open" in found["none open"]
    for command, part in wrong.items():
        assert part in found[command] and "Traceback" not in found[command], (command, found[command])
        assert "\n" not in found[command].strip()
