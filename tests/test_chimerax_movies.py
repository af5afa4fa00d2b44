"""Paths, movies, atoms and selections in a real ChimeraX."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
from explored_project import make_project


@pytest.fixture
def project(chimerax):
    """A folder with a project in which the molecule slides along x, 6 Å for each unit of z1."""
    folder = chimerax.new_folder()
    make_project(folder / "project", sizes=(6.0, 0.5))
    chimerax.give(folder)
    return folder


def in_folder(folder) -> str:
    """The line of a script that goes there."""
    return f"run('cd {folder}')\n"


def frames_of(movie) -> np.ndarray:
    """``(f, h, w, 3)`` uint8, all that ffprobe counts."""
    asked = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,width,height"]
    result = json.loads(subprocess.check_output([*asked, "-of", "json", str(movie)]))["streams"][0]
    decode = ["ffmpeg", "-v", "error", "-i", str(movie), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.check_output(decode)
    shape = (int(result["nb_read_frames"]), result["height"], result["width"], 3)
    return np.frombuffer(raw, np.uint8).reshape(shape)


def bright(frame: np.ndarray) -> float:
    """Column in which the middle of what is drawn on black lies."""
    lit = (frame.max(axis=2) > 60).sum(axis=0)
    return float((lit * np.arange(len(lit))).sum() / lit.sum())


def test_a_movie_has_a_frame_for_each_state_and_moves(chimerax, project):
    result = chimerax.run(f"cd {project}".join(("run(\'", "\')\n")) + """
model = run("flexrec open project")
run("view orient; view")
run("flexrec path z 1 frames 6")
level = model.map.level
run("flexrec record there.mp4 size 320,240")
run("set bgColor #c8d8e8")
run("flexrec record back.mp4 size 200,160 bounce true inset true keepFrames true framerate 10")
result["level"] = [level, model.map.level]
result["refused"] = [sentence("flexrec record " + words) for words in (
    "odd.mp4 size 321,240", "none/a.mp4", "a.mpx", "back.mp4 size 200,160 keepFrames true", "a.mp4 size 2,2")]
run("flexrec path points one.csv")
result["refused"].append(sentence("flexrec record one.mp4"))
run("movie record")
run("flexrec path z 1 frames 2")
result["refused"].append(sentence("flexrec record a.mp4"))
""".replace("one.csv", str(write_point(project))), offscreen=True)  # fmt: skip
    there, back = frames_of(project / "there.mp4"), frames_of(project / "back.mp4")
    assert there.shape == (6, 240, 320, 3) and back.shape == (11, 160, 200, 3)
    places = [bright(frame) for frame in there]
    assert all(later > earlier for earlier, later in zip(places, places[1:]))
    assert np.ptp(np.diff(places)) < 0.5 * np.mean(np.diff(places))  # even steps, none left out
    corner = back[:, 115:, :40].astype(int)  # the inset: in the scene's colour there, and its mark moves
    assert (np.abs(corner - (200, 216, 232)).max(axis=3) < 12).mean() > 0.3
    assert np.abs(corner[5] - corner[0]).max() > 100
    assert np.abs(back[0].astype(int) - back[10]).mean() < 2 < np.abs(back[0].astype(int) - back[5]).mean()
    assert len(list((project / "back-frames").glob("*.png"))) == 11
    assert result["level"][0] == result["level"][1]
    words = ("even", "no folder", "movie format", "back-frames", "pixels", "two states", "another movie")
    assert all(word in text for word, text in zip(words, result["refused"], strict=True))
    left = {path.name for path in project.glob("*") if "mp4" in path.name or "frames" in path.name}
    assert left == {"there.mp4", "back.mp4", "back-frames"}


def write_point(folder):
    path = folder / "one.csv"
    path.write_text("0.5,0.5\n")
    return path


SPUN = """
import numpy as np
model = run("flexrec open project")
run("view orient; turn x -70; view; flexrec path z 1 frames 9")
view = session.main_view
begin = view.camera.position.matrix.copy()
from chimerax.flexrec.scene.movies.recorder import StateMovie
taken, old = [], StateMovie.capture_image
def capture(self, *_):
    taken.append(session.main_view.camera.position)
    old(self)
StateMovie.capture_image = capture
def turned():
    "Degrees from the first captured frame to each."
    base = taken[0].inverse()
    angles = [float(np.degrees((base * one).rotation_angle())) for one in taken]
    del taken[:]
    return angles
run("flexrec record spun.mp4 size 160,120 spin 80")
result["spun"] = turned()
result["back"] = float(abs(view.camera.position.matrix - begin).max())
run("flexrec record round.mp4 size 160,120 spin 360")
result["round"] = turned()
run("turn y 3 20; flexrec record turned.mp4 size 160,120")
result["turned"] = turned()
result["left"] = len(session.motion_in_progress)
run("wait 20")
result["after"] = len(session.motion_in_progress)
run("movie ignore true")
result["ignored"] = sentence("flexrec record x.mp4")
"""


def test_the_camera_of_a_movie_spins_or_moves_as_the_scene_does(chimerax, project):
    result = chimerax.run(in_folder(project) + SPUN, offscreen=True)
    assert result["spun"] == pytest.approx([10 * k for k in range(9)], abs=0.1) and result["back"] < 1e-6
    assert result["round"] == pytest.approx([0, 40, 80, 120, 160, 160, 120, 80, 40], abs=0.1)  # no frame twice
    assert result["turned"] == pytest.approx([3 * k for k in range(9)], abs=0.1)
    assert result["left"] == 1 and result["after"] == 0 and "movie ignore false" in result["ignored"]
    first, second = frames_of(project / "spun.mp4")[[0, -1]]
    assert np.abs(first.astype(int) - second).mean() > 2


def test_without_graphics_the_path_is_played_and_a_movie_sentence(chimerax, project):
    result = chimerax.run(f"cd {project}".join(("run(\'", "\')\n")) + """
model = run("flexrec open project")
seen, last = [], [None]
def note():
    if model.z is not last[0]:  # a change of the path is told too
        last[0] = model.z
        seen.append(model.z.tolist())
model.on_change.append(note)
result["none"] = sentence("flexrec play")
path = run("flexrec path through 0,0 1,0 p3 frames 5 name there output there.json")
result["path"] = path["z"]
run("flexrec play reverse true")
result["seen"], seen[:] = seen[:], []
result["scrub"] = [run("flexrec scrub 0.5"), run("flexrec scrub frame 5")]
seen[:] = []
morph = run("flexrec morph 0,0 1,0 frames 3")
result["morph"] = [morph["z"], seen]
result["refused"] = [sentence(words) for words in (
    "flexrec record a.mp4", "flexrec scrub frame 9", "flexrec scrub", "flexrec path pc 9", "flexrec path graph c1 c2",
    "flexrec play speed 2 seconds 3", "flexrec umap", "flexrec path through p1 p999 frames 3")]
""")  # fmt: skip
    path = np.array(result["path"])
    assert len(path) == 5 and np.allclose(path[0], 0) and "flexrec path" in result["none"]
    assert np.allclose(result["seen"], path[::-1])
    assert np.allclose(result["scrub"], path[[2, 4]])
    assert np.allclose(result["morph"][0], [(0, 0), (0.5, 0), (1, 0)])
    assert result["morph"][0] == result["morph"][1]
    assert json.loads((project / "there.json").read_text())["name"] == "there"
    words = ("graphics", "no frame 9", "say where", "pc9", "no clusters", "exclude", "UMAP", "no particle 999")
    assert all(word in text for word, text in zip(words, result["refused"], strict=True))


PDB = "ATOM  {:5d}  CA  ALA A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           C  \n"


def test_atoms_are_written_in_many_states(chimerax, project):
    # the map's middle is at 48 Å; the molecule is a dumbbell along x
    atoms = [(48 + x, 48 + y, 48) for x in range(-15, 16, 3) for y in (-3, 0, 3)]
    (project / "model.pdb").write_text("".join(PDB.format(i, i, *xyz) for i, xyz in enumerate(atoms, 1)) + "END\n")
    result = chimerax.run(f"cd {project}".join(("run(\'", "\')\n")) + """
model = run("flexrec open project")
atoms = run("open model.pdb")[0]
result["nobody"] = sentence("flexrec save atoms none.cif")
run("flexrec follow #2")
run("flexrec path z 1 frames 4")
run("flexrec save atoms path.cif path")
run("flexrec save atoms path.pdb path")
run("flexrec save atoms ensemble.cif ensemble 7 seed 3 uncertainty true")
run("flexrec save atoms one.pdb at 2,0")
result["refused"] = [sentence("flexrec save atoms " + words) for words in (
    "a.xyz", "none/a.cif", "a.cif at 1,0 ensemble 3", "a.cif ensemble 999", "a.cif uncertainty true")]
run("flexrec volume at 1,0")
run("flexrec save atoms now.cif")
result["path"] = model.path.z.tolist()
run("close")
def opened(name):
    models = run("open " + name)
    return [one.atoms.coords.tolist() for one in models if hasattr(one, "atoms")] or [
        one.atoms.coords.tolist() for one in models[0].child_models()]
for name in ("path.cif", "path.pdb", "ensemble.cif", "one.pdb", "now.cif"):
    result[name] = opened(name)
""")  # fmt: skip
    moved = {name: np.array(result[name]) - np.array(atoms) for name in result if "." in name}
    assert "no structure follows" in result["nobody"]
    assert {name: len(states) for name, states in moved.items()} == {
        "path.cif": 4, "path.pdb": 4, "ensemble.cif": 7, "one.pdb": 1, "now.cif": 1}  # fmt: skip
    for name, z1 in (("path.cif", np.array(result["path"])[:, 0]), ("path.pdb", np.array(result["path"])[:, 0]),
                     ("one.pdb", [2.0]), ("now.cif", [1.0])):  # fmt: skip
        assert np.allclose(moved[name][:, :, 0], 6 * np.array(z1)[:, None], atol=0.01), name
    assert np.ptp(moved["ensemble.cif"][:, 0, 0]) > 3
    words = (".cif or .pdb", "no folder", "exclude", "ensemble", "ensemble")
    assert all(word in text for word, text in zip(words, result["refused"], strict=True))
    assert not (project / "a.cif").exists()


def test_particles_are_selected_and_saved(chimerax, project):
    result = chimerax.run(f"cd {project}".join(("run(\'", "\')\n")) + """
model = run("flexrec open project")
clusters = run("flexrec cluster count 3")
first = run('flexrec select name first where "z1 > 0" color red')
rest = run('flexrec select name "the rest" not first export rest.npy')
run("flexrec save particles first.star selection first")
result["sizes"] = [first["particles"], rest["particles"], sum(clusters["size"])]
result["listed"] = [one["name"] for one in run("flexrec selections")]
run("flexrec volume selection first")
result["z"] = model.z.tolist()
run("flexrec path graph s:first c2 p0 frames 8")
result["path"] = model.path.z[0].tolist()
result["minima"] = len(run("flexrec landscape bins 16")["minima"])
result["agreement"] = run("flexrec compare 3")["agreement"]
run("flexrec selections remove first")
result["refused"] = [sentence(words) for words in (
    "flexrec volume selection first", "flexrec select name x box z1", "flexrec compare 9")]
""")  # fmt: skip
    z = np.load(project / "project/003-train/latents.npz")["z"]
    assert result["sizes"] == [int((z[:, 0] > 0).sum()), int((z[:, 0] <= 0).sum()), len(z)]
    assert result["listed"] == ["first", "the rest"] and result["minima"] >= 1
    assert np.allclose(result["z"], result["path"]) and result["z"][0] > 0
    assert result["agreement"] == pytest.approx(1, abs=1e-6)
    assert len(np.load(project / "rest.npy")) == result["sizes"][1]
    assert (project / "first.star").read_text().count("stack.mrcs ") == result["sizes"][0]
    words = ("no selection", "z1=-1:1", "no job 9")
    assert all(word in text for word, text in zip(words, result["refused"], strict=True))


_HEAD = """
import json, os, time, traceback
from Qt.QtCore import QTimer
from chimerax.core import commands
from chimerax.flexrec.scene.decoding import decoding
from chimerax.core.errors import UserError
result = {}
def run(text):
    return commands.run(session, text)
def sentence(text):
    try:
        run(text)
    except UserError as error:
        return str(error)
"""

WINDOW = """
def later(seconds, work):
    def safe():
        try:
            work()
        except BaseException:
            result["failed"] = traceback.format_exc(); leave()
    QTimer.singleShot(int(1000 * seconds), safe)
def begin():
    global model, player, started
    model = run("flexrec open project"); player = model.player
    run("flexrec mesh"); run("flexrec path z 1 frames 12")
    started = time.monotonic(); run("flexrec play seconds 2")
    result["returned"] = [player.playing, player.place]
    model.on_change.append(noted)
    later(0.1, ended)
def noted():
    if 0.3 < player.place < 1:  # told as soon as the state is set, however long it takes to draw
        result.setdefault("half", [player.place, (time.monotonic() - started) / 2])
def ended():
    if player.playing or decoding(session).engine.waiting:
        later(0.1, ended); return
    later(0.3, looked)
def looked():
    result["ended"] = [player.playing, player.place, model.map.surfaces[0].display, model.z.tolist()]
    run("flexrec play seconds 60"); later(0.1, paused)
def paused():
    if player.place < 0.01:
        later(0.05, paused); return
    run("flexrec pause"); result["paused"] = [player.playing, player.place]
    run("flexrec play seconds 60 loop true"); later(0.3, stopped)
def stopped():
    result["resumed"] = player.place
    run("stop"); result["stopped"] = player.playing
    run("flexrec record window.mp4 size 320,240"); result["busy"] = sentence("flexrec record other.mp4")
    result["theirs"] = [sentence("movie " + words) for words in ("record", "stop", "encode mine.mp4", "duplicate 3")]
    later(0.1, recorded)
def recorded():
    if model.recorder is not None:
        later(0.1, recorded); return
    run("flexrec play stop; flexrec path z 1 frames 8; movie record size 320,240; flexrec play seconds 0.1")
    later(0.1, filmed)
def filmed():
    if player.playing:
        later(0.1, filmed); return
    result["filmed"] = [session.movie.getFrameCount(), model.z.tolist(), model.path.z[-1].tolist()]
    run("movie stop; movie encode " + os.path.abspath("filmed.mp4"))
    run("flexrec path z 1 frames 3000"); run("flexrec record left.mp4 size 320,240")
    later(0.3, lambda: (run("flexrec record stop"), gone()))
def gone():
    result["free"] = [model.recorder is None, not hasattr(session, "movie")]
    run("flexrec play loop true"); later(0.3, lambda: (run("close"), later(0.3, done)))
def done():
    result["motions"] = len(session.motion_in_progress)
    leave()
def leave():
    with open("answer.json", "w") as file:
        json.dump(result, file)
    run("exit")
later(1, begin)
"""


def run_in_window(chimerax, folder, code: str) -> dict:
    """What a script leaves in ``answer.json`` that goes on between frames of a ChimeraX with a window."""
    if shutil.which("xvfb-run") is None:
        pytest.skip("no xvfb-run")
    (folder / "code.py").write_text(_HEAD + in_folder(folder) + code)
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1000x800x24"]
    done = chimerax.call(*screen, chimerax.program, "--script", folder / "code.py")
    assert (folder / "answer.json").is_file(), done.stdout + done.stderr
    result = json.loads((folder / "answer.json").read_text())
    assert "failed" not in result, result["failed"]
    return result


def test_in_a_window_a_path_is_played_by_time_and_recorded_between_frames(chimerax, project):
    result = run_in_window(chimerax, project, WINDOW)
    assert result["returned"] == [True, 0]  # at once
    place, time = result["half"]
    assert place == pytest.approx(time, abs=0.25)  # by the clock, however slowly this machine draws
    playing, place, display, z = result["ended"]
    assert (playing, place, display) == (False, 1.0, True)
    assert not result["paused"][0] and 0.01 <= result["paused"][1] < 1
    assert result["resumed"] >= result["paused"][1] and not result["stopped"]
    assert "already" in result["busy"]
    assert "Already recording" in result["theirs"][0]
    assert all("flexrec record stop" in said for said in result["theirs"][1:])
    count, z, last = result["filmed"]
    film = frames_of(project / "filmed.mp4")
    places = [bright(frame) for frame in film]
    steps = np.diff(places[:8])
    assert count >= 8 and z == last and min(steps) > 0.5 * max(steps) > 0  # each state once, though 0.1 s are short
    movie = frames_of(project / "window.mp4")
    assert len(movie) == 12
    places = [bright(frame) for frame in movie]
    assert all(later > earlier for earlier, later in zip(places, places[1:]))
    assert not (project / "left.mp4").exists() and result["free"] == [True, True]
    assert result["motions"] == 0
