"""Reports of jobs, from folders made of real parts: what they say, what they survive, what they never run or fetch."""

from __future__ import annotations

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.figures.null_figure import NullSeries, draw_null
from chimerax.flexrec.figures.report_html import html_page
from chimerax.flexrec.figures.report_page import Grid, Page, Picture, Section
from chimerax.flexrec.figures.report_pdf import write_pdf
from chimerax.flexrec.jobs.reports.null_report import null_page
from chimerax.flexrec.jobs.reports.reconstruction_report import reconstruction_page
from chimerax.flexrec.jobs.reports.training_report import training_page
from chimerax.flexrec.jobs.reports.write_report import write_report
from chimerax.flexrec.mesh.map_files import write_map
from reported_jobs import add_halves, make_training, record
from trained_models import make_linear, two_blobs

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)> $\\frac{1}{0}$ & \x1b[31m\u202e'


class Markup(HTMLParser):
    """What a browser would make of a page: its tags, with what they refer to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "data") and value]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


def add_null(project: Path, number: int = 2, epoch: int = 3, gain: float = 20.0) -> Path:
    folder = project / f"{number:03d}-diagnose"
    record(folder, "diagnose", {"model": "001-train"})
    sides = {name: {"gain": value, "gain_error": 0.1, "motion": 4.0, "parts": [1.0, 6.0], "information": [3.0, 1.0]}
             for name, value in (("real", gain), ("rigid", 0.2))}
    (folder / "null.json").write_text(json.dumps(sides | {"epoch": epoch, "latent_dims": 2, "sentence": "So it is.",
                                                          "model": "../001-train"}))  # fmt: skip
    return folder


@pytest.fixture
def project(tmp_path):
    make_training(tmp_path)
    return tmp_path


def text_of(page: Page) -> str:
    return Markup(html_page(page)).text


def test_a_training_that_nothing_has_tested_says_so(project):
    page = training_page(project / "001-train")
    assert page.level == "not measured" and "diagnose null" in text_of(page)
    assert "Motion of" in page.sentence and not page.notes
    numbers = dict(next(section.grid for section in page.sections if section.title == "In numbers").rows)
    assert numbers["Gain on fitted images"] == "23 nats per image" and numbers["Strain"] == "10.0 %"
    assert numbers["Resolution"] == "12.0 Å" and numbers["Unknown share of the latents"] == "11.1 %"
    assert numbers["Held-out gain"] == numbers["Null test"] == numbers["Not particles"] == "not measured"
    numbers = training_page(make_training(project, poses="auto", junk="auto")).sections[1].grid.rows
    assert ("Not particles", "0.0 %") in numbers and ("Errors of poses", "0.00° and 0.00 Å along each axis") in numbers


def test_halves_and_a_null_test_are_told_with_their_numbers(project):
    add_halves(project / "001-train")
    add_null(project)
    page = training_page(project / "001-train")
    assert page.level == "supported"
    assert "held-out gain 31 ± 2 nats" in page.sentence and "halves agree to 0.70 Å" in page.sentence
    assert "20.0 ± 0.1 nats per image" in page.sentence and "0.2 ± 0.1 nats" in page.sentence
    parts = next(section.grid for section in page.sections if section.title == "Part by part").rows
    assert [row[2] for row in parts] == ["0.40 Å", "0.70 Å"]


def test_a_null_test_of_an_earlier_epoch_or_of_another_training_counts_for_nothing(project):
    add_null(project, epoch=2)
    other = add_null(project, 3)
    record(other, "diagnose", {"model": "007-train"})
    assert training_page(project / "001-train").level == "not measured"


def test_a_training_that_goes_on_says_so(tmp_path):
    folder = make_training(tmp_path, epoch=1)
    page = training_page(folder)
    assert "not finished" in page.notes[0] and "after epoch 1 of 3" in page.notes[0]
    assert page.notes[0] in text_of(page)


def test_a_linear_model_has_a_page_too(tmp_path):
    folder = make_linear(tmp_path / "001-train", epoch=10)
    np.savez(folder / "training.npz", gain=np.array([1.5]))
    page = training_page(folder)
    assert page.sentence.startswith("Change of the map") and "1.5 nats per image" in text_of(page)


@pytest.mark.parametrize("name", ["training.npz", "halves.json", "../002-diagnose/null.json"])
@pytest.mark.parametrize("damage", ["gone", "half", "other"])
def test_what_is_gone_or_damaged_has_not_been_measured(project, name, damage):
    folder = project / "001-train"
    add_halves(folder)
    add_null(project)
    path = folder / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[: len(whole) // 2] if damage == "half" else b'["nothing", {"real": 3}]')
    page = training_page(folder)
    assert "not measured" in text_of(page) and page.sentence.startswith("Motion of")


def test_halves_whose_numbers_are_words_have_not_been_measured(project):
    add_halves(project / "001-train", held_out_gain="many", parts="none", difference=None)
    assert training_page(project / "001-train").level == "not measured"


# ----- reconstructions -----


def add_reconstruction(project: Path, **changed) -> Path:
    folder = project / "005-reconstruct"
    record(folder, "reconstruct", {"model": "001-train"})
    values = {"box": 32, "pixel_size": 3.0, "particles": "001-prep", "halves": [150, 150], "selection": None,
              "resolution_0.143": 6.0, "part_resolution_0.143": {"1": 5.0, "2": 4.9},
              "rigid": {"resolution_0.143": 6.1, "part_resolution_0.143": {"1": 5.0, "2": 7.1}}}  # fmt: skip
    (folder / "reconstruct.json").write_text(json.dumps(values | changed))
    return folder


def test_a_reconstruction_tells_what_the_motion_did_to_the_map(project):
    add_halves(project / "001-train")
    page = reconstruction_page(add_reconstruction(project))
    assert page.level == "supported" and page.sentence.endswith("; map of part 2 from 7.1 to 4.9 Å.")
    assert "Why is it worse?" not in text_of(page)


def test_a_null_test_has_both_trainings_side_by_side(project):
    folder = add_null(project)
    page = null_page(folder)
    assert page.level == "supported" and page.sentence == "So it is. The motion is more than fitting noise gives."
    assert ("motion of part 2", "6.0 Å", "6.0 Å") in page.sections[0].grid.rows
    assert null_page(add_null(project, gain=0.3)).level == "not beyond noise"
    (folder / "null.json").unlink()
    with pytest.raises(InputError, match="null.json"):
        null_page(folder)


def test_a_worse_map_is_told_with_its_causes(project):
    add_halves(project / "001-train", held_out_gain=0.3)
    folder = add_reconstruction(project, **{"part_resolution_0.143": {"1": 5.0, "2": 8.0}})
    write_map(folder / "rigid_map.mrc", two_blobs() + np.roll(two_blobs(), 10, 1), 3.0)
    page = reconstruction_page(folder)
    section = page.sections[0]
    assert section.title == "Why is it worse?" and "part 2 from 7.1 to 8.0 Å" in section.paragraphs[0]
    assert page.sentence.endswith("map of part 2 from 7.1 to 8.0 Å.") and page.level == "not beyond noise"
    likely = [row[0] for row in section.grid.rows if row[1] == "likely"]
    assert set(likely) == {"over-fitted motion", "a mask that cuts density"}


def test_a_masked_resolution_counts_before_one_without(project):
    masked = {"masked_resolution_0.143": 4.0, "rigid": {"masked_resolution_0.143": 8.0, "resolution_0.143": 6.0}}
    page = reconstruction_page(add_reconstruction(project, **masked, **{"part_resolution_0.143": {}}))
    assert "map of all of the molecule from 8.0 to 4.0 Å" in page.sentence
    nowhere = masked | {"masked_resolution_0.143": None, "part_resolution_0.143": {}}
    page = reconstruction_page(add_reconstruction(project, **nowhere))
    assert "map of all of the molecule from 8.0 Å to nowhere" in page.sentence


def test_it_is_told_whether_one_model_has_seen_both_halves(project):
    for independent, says in ((True, "the model of its own half"), (False, "agree a little too well")):
        assert says in text_of(reconstruction_page(add_reconstruction(project, independent=independent)))


def test_a_map_under_motion_without_a_rigid_one_is_told_with_what_the_motion_is_worth(project):
    add_halves(project / "001-train", held_out_gain=0.3)
    folder = add_reconstruction(project, rigid=None)
    page = reconstruction_page(folder)
    assert page.level == "not beyond noise" and "Is the motion real?" in text_of(page)
    assert page.sentence.endswith("moves as 001-train says agree to 6.0 Å, as fitting noise lets them too, so solve "
                                  "the rigid map beside it (--twin).")  # fmt: skip
    page = reconstruction_page(add_reconstruction(project, rigid=None, independent=True))
    assert page.sentence.endswith("agree to 6.0 Å.")
    add_halves(project / "001-train")
    make_training(project, epochs=9)
    page = reconstruction_page(folder)
    assert page.level == "supported" and "is not finished" in page.notes[-1]


def test_a_part_has_one_name_in_all_of_a_report(project):
    """The label of the segmentation, of the mesh that the training was given."""
    record(project / "001-train", "train", {"mesh": "005-mesh"})
    (project / "005-mesh").mkdir()
    (project / "005-mesh" / "quality.json").write_text('{"parts": [{"label": 4}, {"label": 9}]}')
    add_halves(project / "001-train")
    parts = {"part_resolution_0.143": {"4": 5.0, "9": 4.9}}
    page = reconstruction_page(add_reconstruction(project, **parts, rigid={"resolution_0.143": 6.1,
                               "part_resolution_0.143": {"4": 5.0, "9": 7.1}}))  # fmt: skip
    assert re.match(r"Motion of \d+.\d Å in part [49] \(", page.sentence) and "map of part 9" in page.sentence
    for told in (page, training_page(project / "001-train")):
        assert " in part 9; the motion" in text_of(told) and not re.search(r"part [12]\b", text_of(told))
    assert ("motion of part 9", "6.0 Å", "6.0 Å") in null_page(add_null(project)).sections[0].grid.rows
    shutil.rmtree(project / "005-mesh")
    assert "part 2" in text_of(training_page(project / "001-train"))


def test_a_reconstruction_of_states_is_not_taken_for_one_map(project):
    with pytest.raises(InputError, match="is of states"):
        reconstruction_page(add_reconstruction(project, points=[{"resolution_0.143": 6.0}]))


def test_a_rigid_reconstruction_and_one_whose_training_is_gone_have_pages(project):
    folder = add_reconstruction(project, rigid=None)
    assert "agree to 6.0 Å" in reconstruction_page(folder).sentence
    add_reconstruction(project)
    shutil.rmtree(project / "001-train")
    page = reconstruction_page(folder)
    assert page.level == "not measured" and "not there any more" in text_of(page)


# ----- files -----


def test_nothing_of_a_page_runs_or_is_fetched(project):
    """Names and texts from files are shown letter by letter, and do nothing."""
    folder = add_reconstruction(project, particles=HOSTILE, selection=HOSTILE, warnings=[HOSTILE],
                                **{"part_resolution_0.143": {HOSTILE: 4.0},
                                   "rigid": {"part_resolution_0.143": {HOSTILE: 5.0}}})  # fmt: skip
    shown = NullSeries(np.arange(9.0), np.arange(9.0), np.ones(1), np.ones(1))
    draw_null(folder / "curves.png", shown, shown, "$x^$ & < >")
    path, _ = write_report(folder)
    text = path.read_text(encoding="utf-8")
    markup = Markup(text)
    assert not {"script", "iframe", "object", "link", "a", "form"} & set(markup.tags)
    assert markup.tags.count("img") == 1 and all(link.startswith("data:image/png;base64,") for link in markup.links)
    assert '<script>alert("1")</script>' in markup.text and "\x1b" not in text and "\u202e" not in text
    assert not re.search(r"url\(|@import|https?:", text)
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF") and not list(folder.glob(".*part*"))


def test_a_pdf_has_as_many_pages_as_its_contents_want(tmp_path):
    from matplotlib.image import imsave

    imsave(tmp_path / "tall.png", np.zeros((400, 100)))
    grid = Grid(("name", "what"), (("x" * 300, "word " * 200), (HOSTILE, "$x^$")))
    picture = Picture(tmp_path / "tall.png")
    sections = (Section("First", ("sentence " * 300,), grid), Section("Second", (), None, (picture,)))
    write_pdf(tmp_path / "long.pdf", Page("t", "supported", "s", sections, (HOSTILE,)))
    write_pdf(tmp_path / "short.pdf", Page("t", "supported", "s", ()))
    pages = {name: len(re.findall(rb"/Type /Page\b", (tmp_path / f"{name}.pdf").read_bytes()))
             for name in ("long", "short")}  # fmt: skip
    assert pages == {"long": 3, "short": 1}


def test_the_command_writes_a_report_or_says_why_not(project, capsys):
    assert main(["report", "1", "--project", str(project)]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip().endswith("001-train/report.html") and "not measured" in printed.err
    assert (project / "001-train" / "report.pdf").is_file()
    assert main(["report", "2", "--project", str(project)]) == 2
    record(project / "003-prep", "prep")
    record(project / "004-train", "train")
    record(project / "005-reconstruct", "reconstruct")
    for number, says in ((3, "has no report"), (4, "not written a model yet"), (5, "reconstruct.json")):
        capsys.readouterr()
        assert main(["report", str(number), "--project", str(project)]) == 2
        assert says in capsys.readouterr().err
    with pytest.raises(InputError):
        write_report(project / "003-prep")


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user: root may write everywhere")
def test_a_report_that_may_only_be_read_is_said_and_left(project):
    path, _ = write_report(project / "001-train")
    before = path.read_bytes()
    os.chmod(path.parent, 0o555)
    try:
        assert write_report(project / "001-train")[0] == path and path.read_bytes() == before
    finally:
        os.chmod(path.parent, 0o755)
