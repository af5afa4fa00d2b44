"""The panel's jobs: real forms under real keys and mice, real jobs in the background, real folders."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from waiting_for import counting_project

pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)
from chimerax.flexrec.jobs.queue import background  # noqa: E402
from chimerax.flexrec.jobs.record import read_record, read_status  # noqa: E402
from chimerax.flexrec.jobs.registry import find_job  # noqa: E402
from chimerax.flexrec.panel.jobs.command_text import chimerax_line, terminal_line  # noqa: E402
from chimerax.flexrec.panel.jobs.job_control import CommandJobControl, LocalJobControl  # noqa: E402
from chimerax.flexrec.panel.jobs.job_figures import JobFigures  # noqa: E402
from chimerax.flexrec.panel.jobs.job_form import JobForm  # noqa: E402
from chimerax.flexrec.panel.jobs.jobs_panel import JobsPanel  # noqa: E402
from chimerax.flexrec.panel.jobs.loss_curve import LossCurve  # noqa: E402
from chimerax.flexrec.panel.jobs.project_watch import JobReader, read_project  # noqa: E402
from qtpy.QtCore import Qt  # noqa: E402
from qtpy.QtGui import QDesktopServices, QImage  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder whose processes end with the test."""
    with counting_project(tmp_path, monkeypatch, "project with blanks") as folder:
        yield folder


@pytest.fixture
def tab(project, qtbot):
    tab = JobsPanel(LocalJobControl(), project)
    qtbot.addWidget(tab)
    tab.resize(560, 800)
    tab.show()
    qtbot.waitExposed(tab)
    yield tab
    tab.watch.end()


def type_in(qtbot, tab, name: str, text: str) -> None:
    """Real keys in the field of a parameter."""
    line = tab.start.form.rows[name].field.line
    line.setFocus()
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClicks(line, text)


def click(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose_verb(tab, verb: str) -> None:
    tab.start.verbs.setCurrentIndex(tab.start.verbs.findData(verb))


def command(tab, kind: str) -> str:
    tab.start.kinds.setCurrentText(kind)
    return tab.start.line.text()


def states(tab) -> dict[str, str]:
    return {state.folder.name: state.state for state in tab.table.rows.states}


def wait_for(qtbot, tab, name: str, state: str) -> None:
    def reached():
        tab.watch.read()
        assert states(tab).get(name) == state, states(tab)

    qtbot.waitUntil(lambda: _holds(reached), timeout=60_000)


def _holds(check) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


def test_every_job_has_a_form_with_a_field_for_each_parameter(qtbot):
    for verb in ("simulate", "prep", "mesh", "train", "generate", "reconstruct"):
        form = JobForm(find_job(verb))
        qtbot.addWidget(form)
        assert [name for name in form.rows if name != "seed"] == [option.name for option in find_job(verb).options()]
        for option in find_job(verb).options():
            row = form.rows[option.name]
            assert option.help[1:] in html.unescape(row.field.toolTip())
            assert form.advanced.isAncestorOf(row) == option.advanced


def test_a_wrong_value_is_told_beside_its_field_as_it_is_typed(tab, qtbot):
    choose_verb(tab, "count")
    type_in(qtbot, tab, "steps", "20000")
    row = tab.start.form.rows["steps"]
    assert row.sentence == "steps is 20000, but must be from 1 to 10000 steps."
    assert not tab.start.button.isEnabled()
    assert command(tab, "Terminal") == ""
    type_in(qtbot, tab, "steps", "many")
    assert row.sentence == "steps is 'many', but must be a whole number."
    type_in(qtbot, tab, "steps", "")
    assert row.sentence == ""


def test_a_file_that_is_not_there_is_told_and_one_that_is_needed_keeps_the_job_from_starting(tab, qtbot, tmp_path):
    choose_verb(tab, "prep")
    assert not tab.start.button.isEnabled()
    assert tab.start.message.text().startswith("particles is needed")
    assert tab.start.form.rows["particles"].sentence == ""  # nobody has done anything wrong yet
    type_in(qtbot, tab, "particles", str(tmp_path / "none.star"))
    assert "there is no" in tab.start.form.rows["particles"].sentence
    (tmp_path / "some.star").write_text("data_\n")
    type_in(qtbot, tab, "particles", str(tmp_path / "some.star"))
    assert tab.start.button.isEnabled()


def test_the_commands_amount_to_the_form(tab, qtbot, project):
    choose_verb(tab, "count")
    type_in(qtbot, tab, "steps", "7")
    type_in(qtbot, tab, "origin", "-1,2.5")
    type_in(qtbot, tab, "seed", "3")
    tab.start.form.rows["listens"].field.box.click()
    assert command(tab, "Terminal") == (
        f"flexrec count --steps 7 --no-listens --origin -1,2.5 --seed 3 --background --project '{project}'"
    )
    assert command(tab, "ChimeraX") == (
        f'flexrec count steps 7 listens false origin -1,2.5 seed 3 project "{project}"'
    )
    click(qtbot, tab.start.copy)
    assert QApplication.clipboard().text() == command(tab, "ChimeraX")


def test_the_terminal_reads_the_line_as_it_was_given(project, tmp_path):
    import shlex

    from chimerax.flexrec.cli.job_options import Parser, add_parameters, given_values

    job = find_job("train")
    values = {"start": "modes", "rigidity": 1e-05, "freeze_latents": True, "cache": "it's $HOME"}
    parser = Parser(argument_default=None)
    add_parameters(parser, job)
    chosen, _ = parser.parse_known_args(shlex.split(terminal_line(job, values, project))[2:])
    given = given_values(job, {name: value for name, value in vars(chosen).items() if value is not None})
    assert given == values
    assert "freezeLatents true" in chimerax_line(job, values, project)


def test_a_job_is_started_followed_stopped_and_resumed_from_the_panel(tab, qtbot, project):
    choose_verb(tab, "walk")
    type_in(qtbot, tab, "steps", "400")
    type_in(qtbot, tab, "pause", "0.01")
    click(qtbot, tab.start.button)
    wait_for(qtbot, tab, "001-walk", "running")
    qtbot.waitUntil(lambda: tab.table.folder == project / "001-walk", timeout=20_000)
    qtbot.waitUntil(lambda: "counting from 0" in tab.log.toPlainText(), timeout=20_000)
    qtbot.waitUntil(lambda: _refreshed(tab).data(tab.table.rows.index(0, 3)).endswith("%"), timeout=20_000)
    click(qtbot, tab.buttons["Stop"])
    wait_for(qtbot, tab, "001-walk", "stopped")
    assert not tab.buttons["Stop"].isEnabled()
    click(qtbot, tab.buttons["Resume"])
    wait_for(qtbot, tab, "001-walk", "done")
    qtbot.waitUntil(lambda: "done after" in tab.log.toPlainText().splitlines()[-1], timeout=20_000)
    assert json.loads((project / "001-walk" / "checkpoint.json").read_text())[0] == 400


def _refreshed(tab):
    tab.watch.read()
    return tab.table.rows


def test_a_job_that_does_not_listen_is_killed(tab, qtbot, project):
    background.submit("walk", {"kind": "hang"}, project)
    wait_for(qtbot, tab, "001-walk", "running")
    tab.table.choose(project / "001-walk")
    click(qtbot, tab.buttons["Kill"])
    wait_for(qtbot, tab, "001-walk", "stopped")
    assert "ended without a word" in tab.message.text()


def test_a_clone_fills_the_form_and_starts_a_like_job(tab, qtbot, project):
    first = background.submit("walk", {"steps": 3, "kind": "walk", "listens": False}, project, seed=9)
    wait_for(qtbot, tab, "001-walk", "done")
    tab.table.choose(first)
    click(qtbot, tab.buttons["Clone"])
    assert tab.start.form.job.verb == "walk"
    type_in(qtbot, tab, "batch_size", "32")
    click(qtbot, tab.start.button)
    wait_for(qtbot, tab, "002-walk", "done")
    record, again = read_record(first), read_record(project / "002-walk")
    assert again["parameters"] == record["parameters"] | {"batch_size": 32}
    assert again["seed"] == 9


def test_a_failed_job_says_why(tab, qtbot, project):
    background.submit("walk", {"kind": "fail"}, project)
    wait_for(qtbot, tab, "001-walk", "failed")
    tab.table.choose(project / "001-walk")
    assert "volume.mrc has no density; give another map." in tab.message.text()


def test_a_real_simulation_runs_and_its_figure_is_shown(tab, qtbot, project):
    choose_verb(tab, "simulate")
    for name, text in (("particles", "8"), ("box", "32"), ("pixel_size", "8"), ("threads", "1")):
        type_in(qtbot, tab, name, text)
    click(qtbot, tab.start.button)
    wait_for(qtbot, tab, "001-simulate", "done")
    qtbot.waitUntil(lambda: [path.name for path in tab.figures.pictures] == ["simulate.png"], timeout=20_000)
    tab.pages.setCurrentWidget(tab.figures)
    assert not tab.figures.pictures[project / "001-simulate" / "simulate.png"].pixmap().isNull()
    choose_verb(tab, "generate")
    assert "generate needs a finished train job" in tab.start.form.rows["model"].sentence


def test_a_job_input_is_the_newest_that_suits_or_one_that_is_chosen(tab, qtbot, project):
    for _ in range(2):
        background.submit("walk", {"steps": 1}, project)
    wait_for(qtbot, tab, "002-walk", "done")
    choose_verb(tab, "after")
    box = tab.start.form.rows["count"].field.box
    assert [box.itemText(i) for i in range(box.count())] == ["newest (002-walk)", "002-walk", "001-walk"]
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert command(tab, "ChimeraX") == f'flexrec after count 001-walk project "{project}"'
    click(qtbot, tab.start.button)
    wait_for(qtbot, tab, "003-after", "done")
    assert read_record(project / "003-after")["inputs"]["count"] == "001-walk"
    assert box.currentText() == "001-walk"  # readings of the project since did not change it


def test_projects_that_are_empty_half_written_or_gone(tab, qtbot, project):
    assert states(tab) == {}
    (project / "001-train").mkdir()
    (project / "002-train").mkdir()
    (project / "002-train" / "status.json").write_text('{"status": "run')
    (project / "003-train").mkdir()
    (project / "003-train" / "job.json").write_text("[]")
    (project / "003-train" / "progress.jsonl").write_text('{"step": 1, "epoch": "x", "misfit": []}\n[1]\n{"st')
    (project / "003-train" / "history.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    wait_for(qtbot, tab, "002-train", "unreadable")
    for name in ("001-train", "002-train", "003-train"):
        tab.table.choose(project / name)
        with qtbot.waitSignal(tab.watch.updated, timeout=20_000):
            tab.watch.read()
        click(qtbot, tab.buttons["Clone"])
    assert "job.json holds no JSON object" in tab.message.text()
    tab.set_project(project / "not there yet")
    qtbot.waitUntil(lambda: "There is no folder" in tab.message.text(), timeout=20_000)
    assert states(tab) == {}


def test_a_job_folder_that_vanishes_while_it_is_shown(tab, qtbot, project):
    background.submit("walk", {"steps": 2}, project)
    background.submit("walk", {"steps": 3}, project)
    wait_for(qtbot, tab, "002-walk", "done")
    tab.table.choose(project / "001-walk")
    qtbot.waitUntil(lambda: "counting" in tab.log.toPlainText(), timeout=20_000)
    shutil.rmtree(project / "001-walk")
    qtbot.waitUntil(lambda: _refreshed(tab).rowCount() == 1, timeout=20_000)
    assert tab.table.folder is None
    assert tab.log.toPlainText() == ""
    assert not tab.buttons["Clone"].isEnabled()
    shutil.rmtree(project)
    qtbot.waitUntil(lambda: _refreshed(tab).rowCount() == 0, timeout=20_000)


def test_a_refusal_stays_until_something_else_is_asked(tab, qtbot, project):
    background.submit("walk", {"steps": 1}, project)
    wait_for(qtbot, tab, "001-walk", "done")
    tab.table.choose(project / "001-walk")
    tab._resume()  # as a click does that comes when the job has just ended
    with qtbot.waitSignal(tab.watch.updated, timeout=20_000):
        tab.watch.read()
    assert tab.message.text() == "001-walk is done; there is nothing to resume."


def test_in_chimerax_each_action_is_a_command(project, qtbot):
    lines = []
    tab = JobsPanel(CommandJobControl(lambda text: lines.append(text) or True), project)
    qtbot.addWidget(tab)
    background.submit("walk", {"kind": "hang"}, project)
    wait_for(qtbot, tab, "001-walk", "running")
    tab.table.choose(project / "001-walk")
    click(qtbot, tab.buttons["Stop"])
    choose_verb(tab, "walk")
    type_in(qtbot, tab, "steps", "9")
    click(qtbot, tab.start.button)
    assert lines == [f'flexrec stop 001-walk project "{project}"', f'flexrec walk steps 9 project "{project}"']
    assert read_status(project / "001-walk").status == "running"
    tab.watch.end()


def test_in_chimerax_the_form_says_why_a_job_was_refused(project, qtbot):
    control = CommandJobControl(lambda text: control.on_failure("There is no engine; install one."))
    tab = JobsPanel(control, project)
    qtbot.addWidget(tab)
    choose_verb(tab, "walk")
    click(qtbot, tab.start.button)
    assert tab.start.message.text() == "There is no engine; install one."
    tab.watch.end()


def add_job(project, name: str, state: str, *files: str) -> None:
    """A job's folder as it is when the job has come to a state, with files that are only looked for."""
    (project / name).mkdir()
    (project / name / "job.json").write_text(
        json.dumps({"verb": name[4:], "parameters": {}, "inputs": {}, "seed": 0})
    )
    (project / name / "status.json").write_text(json.dumps({"status": state}))
    for file in files:
        (project / name / file).touch()


def chosen(qtbot, tab, project, name: str, state: str) -> dict[str, bool]:
    """Which of the buttons that open something are enabled when the job is chosen and was read; hidden ones are not."""
    wait_for(qtbot, tab, name, state)
    tab.table.choose(project / name)
    qtbot.waitUntil(lambda: not tab.watch._busy, timeout=20_000)
    with qtbot.waitSignal(tab.watch.updated, timeout=20_000):
        tab.watch.read()
    buttons = (tab.buttons[text] for text in ("Open model", "By resolution", "By gain", "Report"))
    return {button.text(): button.isEnabled() for button in buttons if not button.isHidden()}


def test_what_a_reconstruction_has_is_opened_where_maps_are_shown(project, qtbot):
    lines = []
    tab = JobsPanel(CommandJobControl(lambda text: lines.append(text) or True), project)
    qtbot.addWidget(tab)
    local, twin = "local_resolution.mrc", "rigid_local_resolution.mrc"
    add_job(project, "001-reconstruct", "failed")
    add_job(project, "002-walk", "done")
    add_job(project, "003-reconstruct", "done", "map.mrc", local, "report.html")
    add_job(project, "004-reconstruct", "done", "map.mrc", local, twin)
    add_job(project, "005-train", "done", "report.html")
    none = {"Open map": False, "By resolution": False, "By gain": False, "Report": False}
    assert chosen(qtbot, tab, project, "001-reconstruct", "failed") == none
    assert chosen(qtbot, tab, project, "002-walk", "done") == {"Open model": False}
    assert chosen(qtbot, tab, project, "005-train", "done") == {"Open model": False, "Report": True}
    rigid = chosen(qtbot, tab, project, "003-reconstruct", "done")
    assert rigid == none | {"Open map": True, "By resolution": True, "Report": True}
    click(qtbot, tab.buttons["Report"])
    moving = chosen(qtbot, tab, project, "004-reconstruct", "done")
    assert moving == dict.fromkeys(none, True) | {"Report": False}
    assert "flexrec report" in tab.buttons["Report"].toolTip()
    for text in ("Open model", "By resolution", "By gain"):
        click(qtbot, tab.buttons[text])
    maps = f'flexrec maps 004-reconstruct project "{project}" color '
    report = f'open "{project / "003-reconstruct" / "report.html"}"'
    assert lines == [report, maps + "none", maps + "resolution", maps + "gain"]
    tab.watch.end()


def test_without_a_3d_view_a_reconstruction_has_its_report_alone(tab, project, qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    add_job(project, "001-reconstruct", "done", "map.mrc", "local_resolution.mrc", "report.html")
    assert chosen(qtbot, tab, project, "001-reconstruct", "done") == {"Open model": False, "Report": True}
    click(qtbot, tab.buttons["Report"])
    assert [Path(url.toLocalFile()) for url in opened] == [project / "001-reconstruct" / "report.html"]


def write_training(folder: Path, epochs: int) -> None:
    """What a training has written after so many epochs."""
    folder.mkdir(exist_ok=True)
    known = {"total": 100, "stage": "64 pixels", "rigid_misfit": 500.0, "amplitude": 2.0, "energy": 1e-3}
    lines = [known | {"step": e, "epoch": e + part, "misfit": 480 - e} for e in range(epochs) for part in (0.5, 1.0)]
    (folder / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_curves_grow_and_a_newer_model_is_told(tab, qtbot, project):
    folder = project / "001-train"
    write_training(folder, 3)
    (folder / "status.json").write_text('{"status": "stopped"}')
    (folder / "model.json").write_text("{}")
    wait_for(qtbot, tab, "001-train", "stopped")
    tab.table.choose(folder)
    qtbot.waitUntil(lambda: len(tab.curve.lines[0].get_xdata()) == 3, timeout=20_000)
    assert tab.curve.lines[0].get_ydata() == pytest.approx([20, 21, 22])
    write_training(folder, 5)
    with qtbot.waitSignal(tab.checkpoint, timeout=20_000) as signal:
        (folder / "model.json").write_text('{"newer": true}')
    assert signal.args == [folder]
    qtbot.waitUntil(lambda: len(tab.curve.lines[0].get_xdata()) == 5, timeout=20_000)
    write_training(folder, 2)  # resumed from an older checkpoint
    qtbot.waitUntil(lambda: len(tab.curve.lines[0].get_xdata()) == 2, timeout=20_000)


def test_who_reads_further_up_is_not_carried_to_the_end(qtbot):
    from chimerax.flexrec.panel.jobs.job_log import JobLog

    log = JobLog()
    qtbot.addWidget(log)
    log.resize(300, 100)
    log.show()
    log.add("".join(f"line {i}\n" for i in range(100)), afresh=True)
    bar = log.verticalScrollBar()
    assert bar.value() == bar.maximum()
    log.add("one more\n", afresh=False)
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    log.add("and more\n", afresh=False)
    assert bar.value() == 10
    assert log.toPlainText().endswith("line 99\none more\nand more")


def test_a_project_without_a_model_shows_its_jobs_and_then_the_first_model(qtbot, tmp_path):
    from chimerax.flexrec.viewer.viewer_window import Viewer
    from explored_project import make_project

    made = make_project(tmp_path / "made" / "project")
    project = tmp_path / "project"
    training = project / made.name
    training.mkdir(parents=True)
    for path in made.iterdir():
        if path.is_file() and path.name != "model.json":
            shutil.copy(path, training)
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.show()
    assert not viewer.open(project)
    assert viewer.jobs.project == project
    qtbot.waitUntil(lambda: viewer.jobs.table.rows.rowCount() == 1, timeout=20_000)
    shutil.copy(made / "model.json", training / ".model")
    (training / ".model").rename(training / "model.json")
    qtbot.waitUntil(lambda: viewer.scene.trained is not None, timeout=20_000)
    assert viewer.scene.trained.folder == training
    viewer.scene.show(viewer.scene.trained.latents[3])
    (training / "model.json").touch()  # a newer one
    before = viewer.scene.trained
    qtbot.waitUntil(lambda: viewer.scene.trained is not before, timeout=20_000)
    assert viewer.scene.z == pytest.approx(before.latents[3])
    viewer.close()


def test_the_form_that_is_open_at_first_is_of_the_next_step(qtbot, project):
    from chimerax.flexrec.jobs.listing import JobState
    from chimerax.flexrec.panel.jobs.job_start import JobStart

    def have(*verbs):
        return tuple(JobState(project / f"{number:03d}-{verb}", verb, "done") for number, verb in enumerate(verbs, 1))

    start = JobStart(LocalJobControl())
    qtbot.addWidget(start)
    for verbs, wanted in (((), "prep"), (("prep",), "mesh"), (("simulate", "prep", "mesh", "train"), "train")):
        start.show_jobs(project, have(*verbs))
        assert start.verbs.currentData() == wanted
    start.verbs.setCurrentIndex(start.verbs.findData("generate"))
    start.show_jobs(project, have("prep"))
    assert start.verbs.currentData() == "generate"  # somebody's choice stays


def test_a_figure_that_just_fits_or_just_does_not_is_shown_at_one_width(qtbot, tmp_path):
    picture = tmp_path / "figure.png"
    QImage(1000, 700, QImage.Format.Format_RGB32).save(str(picture))
    figures = JobFigures()
    qtbot.addWidget(figures)
    figures.show()
    figures.show_figures(((picture, 1),))
    widths = set()
    for height in range(250, 310, 3):
        figures.resize(400, height)
        QApplication.processEvents()
        widths.add(figures.pictures[picture].width())
    assert len(widths) == 1


def test_a_figure_that_is_being_written_is_not_shown(project):
    folder = project / "001-train"
    folder.mkdir()
    for name in ("curves.png", ".curves.4711.part.png"):
        QImage(4, 4, QImage.Format.Format_RGB32).save(str(folder / name))
    shown = read_project(project, JobReader(folder)).update.figures
    assert [path.name for path, _ in shown] == ["curves.png"]


@pytest.mark.parametrize("size", [(560, 380), (320, 220)])
def test_the_words_of_the_curves_are_seen_whole(qtbot, size):
    curve = LossCurve()
    qtbot.addWidget(curve)
    curve.resize(*size)
    curve.show()
    curve.show_curves(np.array([[k, 480 - k, 500, 2, 1e-3] for k in range(9)], float))
    curve.draw()
    for label in curve.labels:
        place = label.get_window_extent()
        assert label.get_text() and curve.figure.bbox.contains(place.x0, place.y0)
        assert curve.figure.bbox.contains(place.x1, place.y1)
        assert not any(place.overlaps(other.get_window_extent()) for other in curve.axes)
    assert min(axis.get_window_extent().height for axis in curve.axes) > 20


def test_only_a_typed_folder_is_another_project(tab, qtbot, project, tmp_path):
    signals = []
    tab.project_changed.connect(signals.append)
    tab.place.setFocus()
    tab.place.selectAll()
    qtbot.keyClicks(tab.place, f"{tmp_path}/other\r")
    assert signals == [tab.project] == [tmp_path / "other"]
    tab.watch.end()  # as when the window is destroyed, whose fields lose the focus
    tab.place.editingFinished.emit()
    assert signals == [tmp_path / "other"] and tab.project is None


def write_job(folder: Path, verb: str, state: str, inputs: dict | None = None, **parameters) -> None:
    """A job's record and status."""
    folder.mkdir(exist_ok=True)
    record = {"verb": verb, "parameters": parameters, "inputs": inputs or {}, "seed": 0}
    (folder / "job.json").write_text(json.dumps(record))
    (folder / "status.json").write_text(json.dumps({"status": state}))


def copied_without_images(project: Path) -> None:
    """Jobs as the shipped example has them: done, and neither particles nor images are there."""
    write_job(project / "001-simulate", "simulate", "done")
    write_job(project / "002-prep", "prep", "done")
    (project / "002-prep" / "prep.json").write_text('{"source": "../001-simulate/particles.star"}')
    (project / "002-prep" / "particles.star").touch()
    write_job(project / "003-mesh", "mesh", "done")


def test_a_form_says_before_the_start_that_an_input_lacks_its_images(tab, qtbot, project):
    copied_without_images(project)
    wait_for(qtbot, tab, "003-mesh", "done")
    choose_verb(tab, "train")
    said = tab.start.form.rows["particles"].sentence
    assert "particles.mrcs" in said and "simulate, then prep, then train" in said and not tab.start.button.isEnabled()
    (project / "001-simulate" / "particles.star").touch()
    tab.start.form.check()
    assert "run prep again" in tab.start.form.rows["particles"].sentence
    for name in ("particles.mrcs", "noise.npz"):
        (project / "002-prep" / name).touch()
    tab.start.form._typed()
    assert tab.start.form.rows["particles"].sentence == "" and tab.start.button.isEnabled()
    choose_verb(tab, "prep")
    type_in(qtbot, tab, "particles", str(project / "001-simulate"))
    assert tab.start.form.rows["particles"].sentence == ""
    (project / "001-simulate" / "particles.star").unlink()
    tab.start.form.check()
    assert "run simulate again" in tab.start.form.rows["particles"].sentence


def test_a_job_whose_inputs_are_gone_is_not_to_be_resumed(tab, qtbot, project):
    copied_without_images(project)
    write_job(project / "004-train", "train", "stopped", {"particles": "002-prep", "mesh": "003-mesh"})
    wait_for(qtbot, tab, "004-train", "stopped")
    resume = tab.buttons["Resume"]
    tab.table.choose(project / "004-train")
    qtbot.waitUntil(lambda: not resume.isEnabled(), timeout=20_000)
    assert "images are not there" in resume.toolTip()
    for name in ("particles.mrcs", "noise.npz"):
        (project / "002-prep" / name).touch()
    qtbot.waitUntil(resume.isEnabled, timeout=20_000)
    assert "checkpoint" in resume.toolTip()
    shutil.rmtree(project / "003-mesh")
    qtbot.waitUntil(lambda: not resume.isEnabled(), timeout=20_000)
    assert "mesh: there is no" in resume.toolTip()


@pytest.mark.parametrize(("state", "epochs", "figures"), [
    ("done", "No record of this training's epochs is here.", "No figures of this job are here."),
    ("queued", "The first epoch has not begun.", "The job has written no figures yet."),
])  # fmt: skip
def test_without_curves_or_figures_it_is_said_whether_any_may_come(tab, qtbot, project, state, epochs, figures):
    write_job(project / "001-train", "train", state)
    wait_for(qtbot, tab, "001-train", state)
    assert tab.figures._empty.text() == "No job is chosen."
    tab.table.choose(project / "001-train")
    qtbot.waitUntil(lambda: tab.curve._nothing.get_text() == epochs, timeout=20_000)
    assert tab.figures._empty.text() == figures


def test_the_axis_of_a_running_trainings_curves_has_all_its_epochs(tab, qtbot, project):
    write_training(project / "001-train", 3)
    write_job(project / "001-train", "train", "stopped", epochs=40)
    wait_for(qtbot, tab, "001-train", "stopped")
    tab.table.choose(project / "001-train")
    qtbot.waitUntil(lambda: len(tab.curve.lines[0].get_xdata()) == 3, timeout=20_000)
    for axis in tab.curve.axes:
        low, high = axis.get_xlim()
        assert -2 < low <= 0 and 40 <= high < 42


def test_empty_fields_of_generate_say_what_is_taken(qtbot):
    form = JobForm(find_job("generate"))
    qtbot.addWidget(form)
    for name in ("at", "path", "along", "grid", "map"):
        hint = form.rows[name].field.line.placeholderText()
        assert hint.startswith("such as ")
        option = form.rows[name].option
        assert option.check(option.parse(hint.removeprefix("such as "))) is not None
