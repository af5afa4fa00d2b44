"""Movies of slices: recorded beside the window from true maps, encoded, read back; cancelled without a trace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from chimerax.flexrec.explore.path_lines import straight_path
from chimerax.flexrec.panel.tabs.play_bar import PlayBar
from chimerax.flexrec.viewer.animation import durations
from explored_project import make_project
from panel_window import LEFT, PATIENCE, click, open_viewer
from PIL import Image
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where frames lie while they are recorded."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def viewer(qtbot, tmp_path, temporary):
    viewer = open_viewer(qtbot, make_project(tmp_path / "project", sizes=(6.0, 0.5)).parent)
    assert viewer.scene.run("flexrec path z1 frames 5")
    viewer.panel.show_tab(viewer.panel.paths)
    return viewer


def record(qtbot, viewer, words: str) -> None:
    assert viewer.scene.run(f"flexrec record {words}")
    qtbot.waitUntil(lambda: viewer.scene.recorded is None, timeout=PATIENCE)


def read_frames(file) -> tuple[np.ndarray, list[float]]:
    """``(f, h, w, 3)`` uint8, and the milliseconds of each."""
    with Image.open(file) as movie:
        frames, times = [], []
        for number in range(movie.n_frames):
            movie.seek(number)
            movie.load()
            frames.append(np.array(movie.convert("RGB")))
            times.append(movie.info["duration"])
        assert movie.info["loop"] == 0
    return np.array(frames), times


def bright(picture: np.ndarray) -> float:
    """Column of the middle of what is bright."""
    lit = np.clip(picture.max(axis=2).astype(float) - 60, 0, None).sum(axis=0)
    return float((lit * np.arange(len(lit))).sum() / lit.sum())


def log(viewer) -> list[str]:
    return viewer.log.toPlainText().splitlines()


def left(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in ("project", "temporary"))


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_the_button_records_each_state_at_the_speed_of_play(qtbot, viewer, tmp_path, temporary, monkeypatch, suffix):
    file, bar = tmp_path / f"there and back{suffix}", viewer.panel.bar
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: asked.append(words) or (str(file), ""))
    bar.speed.setValue(8)
    bar.bounce.setChecked(True)
    QTest.mouseClick(bar.record, LEFT)
    qtbot.waitUntil(bar.cancel.isVisible, timeout=PATIENCE)
    assert bar.play.isEnabled() and not bar.record.isEnabled()  # beside the window, and one at a time
    qtbot.waitUntil(lambda: viewer.scene.recorded is None and not bar.cancel.isVisible(), timeout=PATIENCE)
    assert bar.record.isEnabled()
    assert all(f"*{suffix}" in asked[0][3] for suffix in (".gif", ".webp", ".png"))
    frames, times = read_frames(file)
    assert frames.shape[:3] == (8, viewer.slices.height() // 2 * 2, viewer.slices.width() // 2 * 2)
    assert sum(times) == pytest.approx(1000, abs=5)  # 8 states a second, and the first is not shown twice
    places = [bright(frame[:, : frame.shape[1] // 2]) for frame in frames[:5]]
    assert all(after > before + 1 for before, after in zip(places, places[1:]))
    assert np.abs(frames[1].astype(int) - frames[7]).mean() < 1 < np.abs(frames[1].astype(int) - frames[3]).mean()
    assert log(viewer)[-1] == f"{file}: 8 frames, 1.0 s"
    assert left(tmp_path) == [file.name] and not any(temporary.iterdir())


def test_a_frame_is_the_true_map_as_the_window_shows_it(qtbot, viewer, tmp_path):
    record(qtbot, viewer, f"{tmp_path}/a.png keepFrames true")
    shown = []
    viewer.scene.mapped.connect(lambda *_: shown.append(True))
    viewer.scene.run("flexrec scrub frame 3")
    qtbot.waitUntil(lambda: bool(shown), timeout=PATIENCE)
    viewer.slices.grab().save(str(tmp_path / "window.png"))
    names = sorted(path.name for path in (tmp_path / "a-frames").iterdir())
    assert names == [f"frame-{number:05d}.png" for number in range(5)]
    window = np.array(Image.open(tmp_path / "window.png").convert("RGB")).astype(int)
    for number, alike in ((2, True), (0, False)):
        frame = np.array(Image.open(tmp_path / "a-frames" / names[number])).astype(int)
        high, wide = frame.shape[:2]
        assert (np.abs(frame - window[:high, :wide]).mean() < 1) == alike


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_the_window_is_free_and_the_plot_with_its_mark_can_be_beside(qtbot, viewer, tmp_path, suffix):
    assert viewer.scene.run(f"flexrec record {tmp_path}/a{suffix} size 520,400 inset true reverse true framerate 20")
    click(viewer, (0.5, 0.5))  # goes elsewhere, even to another path and model
    wanted = viewer.scene.z.copy()
    viewer.scene.run("flexrec path z2 frames 3")
    make_project(tmp_path / "project" / "other", sizes=(1.0,), latents=np.random.default_rng(0).normal(size=(300, 1)))
    viewer.scene.run(f"flexrec open {tmp_path}/project/other")
    assert viewer.scene.recorded is not None and len(wanted) == 2
    qtbot.waitUntil(lambda: viewer.scene.recorded is None, timeout=PATIENCE)
    frames, times = read_frames(tmp_path / f"a{suffix}")
    assert frames.shape == (5, 400, 520, 3) and times == [50] * 5
    assert (frames[0, 300:, :100].min(axis=2) > 190).mean() > 0.3  # the plot is white
    red = [(frame[280:, :120].astype(int) @ (1, -0.5, -0.5)).argmax() % 120 for frame in frames]
    assert all((frame[280:, :120].astype(int) @ (1, -0.5, -0.5)).max() > 120 for frame in frames)
    assert all(after < before for before, after in zip(red, red[1:]))
    places = [bright(frame[:200, 120:320]) for frame in frames]
    assert all(after < before for before, after in zip(places, places[1:]))


def test_cancel_leaves_nothing(qtbot, viewer, tmp_path, temporary):
    viewer.scene.run("flexrec path z1 frames 3000")
    assert viewer.scene.run(f"flexrec record {tmp_path}/a.gif keepFrames true")
    assert not viewer.scene.run(f"flexrec record {tmp_path}/b.gif")
    assert "already" in log(viewer)[-1]
    qtbot.waitUntil(lambda: viewer.scene.recorded > 0, timeout=PATIENCE)
    QTest.mouseClick(viewer.panel.bar.cancel, LEFT)
    assert viewer.scene.recorded is None and "stopped" in log(viewer)[-1]
    assert not viewer.scene.run("flexrec record stop")
    assert left(tmp_path) == [] and not any(temporary.iterdir())


def test_cancel_while_it_is_encoded_leaves_what_was_there(qtbot, viewer, tmp_path, temporary):
    (tmp_path / "a.png").write_text("an older movie")
    viewer.scene.run(f"flexrec record {tmp_path}/a.png")
    qtbot.waitUntil(lambda: (viewer.scene.recorded or 0) >= 5 / 6, timeout=PATIENCE)
    viewer.scene.run("flexrec record stop")
    QTest.qWait(500)
    assert (tmp_path / "a.png").read_text() == "an older movie"
    assert left(tmp_path) == ["a.png"] and not any(temporary.iterdir())


def test_a_window_that_is_closed_leaves_nothing(qtbot, viewer, tmp_path, temporary):
    viewer.scene.run(f"flexrec record {tmp_path}/a.gif")
    qtbot.waitUntil(lambda: viewer.scene.recorded > 0.3, timeout=PATIENCE)
    viewer.close()
    assert left(tmp_path) == [] and not any(temporary.iterdir())


@pytest.mark.skipif(shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None, reason="no ffmpeg")
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_ffmpeg_writes_the_formats_that_pillow_does_not(qtbot, viewer, tmp_path, suffix):
    record(qtbot, viewer, f'"{tmp_path}/a %d{suffix}" framerate 7.5')
    asked = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,r_frame_rate"]
    said = subprocess.check_output([*asked, "-of", "csv=p=0", str(tmp_path / f"a %d{suffix}")], text=True)
    assert said.strip() == "15/2,5"


def test_what_cannot_be_recorded_is_said_in_a_sentence(viewer, tmp_path, monkeypatch):
    for words, said in (
        ("a.mpx", "its ending is no movie format"), ("none/a.gif", "no folder"), ("a.gif size 321,240", "even"),
        ("a.gif size 2,2", "pixels"), ("a.gif size 2", "two whole numbers"), ("a.gif framerate 0", "from 0.1 to 240"),
        ("a.gif framerate 60", "50 frames a second"), ("a.gif quality high", "'quality'"),
    ):  # fmt: skip
        assert not viewer.scene.run(f"flexrec record {tmp_path}/{words}"), words
        assert said in log(viewer)[-1], words
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert viewer.scene.movies == (".gif", ".webp", ".png")
    assert not viewer.scene.run(f"flexrec record {tmp_path}/a.mp4")
    assert "needs ffmpeg" in log(viewer)[-1] and ".gif, .webp or .png" in log(viewer)[-1]
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\necho it is no use >&2\nexit 1\n")
    os.chmod(tmp_path / "ffmpeg", 0o755)
    assert viewer.scene.movies[0] == ".mp4"


def test_an_encoder_that_fails_says_why_and_leaves_nothing(qtbot, viewer, tmp_path, temporary, monkeypatch):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho half > movie.mp4\necho 'it is no use' >&2\nexit 1\n")
    os.chmod(program, 0o755)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    record(qtbot, viewer, f"{tmp_path}/a.mp4")
    assert "it is no use" in log(viewer)[-1]
    assert left(tmp_path) == ["bin"] and not any(temporary.iterdir())


@pytest.mark.parametrize("suffix, tick", [(".gif", 10), (".webp", 1)])
@pytest.mark.parametrize("framerate", [0.5, 7, 24, 30, 50])
def test_durations_are_as_fast_as_is_asked_for(suffix, tick, framerate):
    times = durations(31, framerate, suffix)
    assert sum(times) == pytest.approx(31_000 / framerate, abs=tick)
    assert all(abs(time - 1000 / framerate) <= tick for time in times) and not any(time % tick for time in times)


def test_a_movie_without_a_suffix_is_given_the_usual_one(qtbot, viewer, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "a movie"), ""))
    QTest.mouseClick(viewer.panel.bar.record, LEFT)
    qtbot.waitUntil(lambda: viewer.scene.recorded is None, timeout=PATIENCE)
    assert left(tmp_path) == ["a movie" + viewer.scene.movies[0]]


class Filmed:
    """A scene whose own view is being recorded, as in ChimeraX."""

    films_view, playing, place, movies, trained = True, False, 1.0, (".mp4",), object()

    def __init__(self) -> None:
        self.path, self.recorded, self.lines = straight_path(np.array([[0.0, 0.0], [1.0, 1.0]]), 11), 0.0, []
        self.z = self.path.z[0]

    def run(self, command: str) -> bool:
        self.lines.append(command)
        return True


def test_while_the_view_is_recorded_nothing_else_plays_and_the_bar_goes_with_it(qtbot):
    scene = Filmed()
    bar = PlayBar(scene)
    qtbot.addWidget(bar)
    assert not any(widget.isEnabled() for widget in (bar.play, bar.record, bar.scrub))
    bar.toggle()  # as the space key does
    assert scene.lines == []
    for number in (3, 7):
        scene.z, scene.recorded = scene.path.z[number], number / 11
        qtbot.waitUntil(lambda n=number: bar.where.text() == f"{n + 1} / 11", timeout=PATIENCE)
        assert bar.scrub.value() == 100 * number
    scene.recorded = None
    qtbot.waitUntil(bar.play.isEnabled, timeout=PATIENCE)
    assert bar.record.isEnabled() and bar.scrub.isEnabled()
