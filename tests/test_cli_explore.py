"""The terminal's commands for latents, on a project whose motion is known."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.particles import read_particles
from explored_project import COUNT, make_project, source_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("projects") / "p")


@pytest.fixture
def flexrec(folder, monkeypatch, capfd):
    """Run a command line in the project's folder; gives ``(exit status, standard output, standard error)``."""
    monkeypatch.chdir(folder.parent)

    def run(*words: str) -> tuple[int, str, str]:
        status = program.main(words)
        return (status, *capfd.readouterr())

    return run


def points_of(path) -> np.ndarray:
    return np.array(json.loads(path.read_text())["z"])


def test_a_path_along_the_first_motion_is_generated(flexrec, folder):
    status, out, err = flexrec("path", "3", "--axis", "pc1", "--frames", "5", "--in-angstroms", "--output", "pc1.json")
    assert status == 0 and out.strip().endswith("/p/pc1.json")
    z = points_of(folder.parent / "pc1.json")
    reach = float(np.ptp(np.percentile(3 * open_trained(folder).latents[:, 0], (5, 95))))
    assert z.shape == (5, 2) and f"pc1: 5 frames over {reach:.1f} Å, all among particles" in err
    assert flexrec("generate", "--path", "pc1.json", "--model", "3")[0] == 0
    with np.load(folder.parent / "004-generate" / "z.npz") as file:
        assert np.allclose(file["z"], z, atol=1e-5)


def test_paths_of_every_kind(flexrec, folder):
    output = folder.parent / "path.json"
    assert flexrec("path", "--through", "-1,0; 1,0.5", "--frames", "3")[0] == 0
    assert np.allclose(points_of(output), [[-1, 0], [0, 0.25], [1, 0.5]], atol=1e-4)
    flexrec("cluster", "--count", "3")
    assert flexrec("path", "--graph", "p5,c2,-1,1")[0] == 0
    assert np.allclose(points_of(output)[[0, -1]], [open_trained(folder).latents[5], [-1, 1]], atol=1e-5)
    assert len(points_of(output)) == 30
    flexrec("select", "--name", "far right", "--where", "z1 > 1 and z2 > 0")
    assert flexrec("path", "--through", "0, 0, s:far right")[0] == 0
    z = open_trained(folder).latents
    chosen = z[(z[:, 0] > 1) & (z[:, 1] > 0)]
    middle = chosen[((chosen - chosen.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    assert np.allclose(points_of(output)[-1], middle, atol=1e-5)
    flexrec("selections", "--remove", "far right")
    (folder.parent / "points.csv").write_text("0,0\n1,2\n")
    assert flexrec("path", "--points", "points.csv")[0] == 0 and points_of(output).tolist() == [[0, 0], [1, 2]]
    assert flexrec("path", "--axis", "z2", "--at", "0.75,-3", "--range", "10,90")[0] == 0
    z2 = open_trained(folder).latents[:, 1]
    assert np.allclose(points_of(output)[[0, -1], 1], np.percentile(z2, (10, 90)), atol=1e-4)
    assert np.allclose(points_of(output)[:, 0], 0.75)


def test_clusters_are_listed_with_a_particle_in_the_middle(flexrec, folder):
    status, out, _ = flexrec("cluster", "--count", "4", "--in-angstroms")
    lines = [line.split() for line in out.splitlines()[1:]]
    assert status == 0 and [line[0] for line in lines] == ["1", "2", "3", "4"]
    assert sum(int(line[1]) for line in lines) == COUNT
    row = int(lines[0][3].removeprefix("p"))
    at = [float(word) for word in lines[0][4].split(",")]
    assert np.allclose(at, open_trained(folder).latents[row], rtol=0.01)


def test_selections_are_made_joined_and_exported(flexrec, folder, tmp_path):
    z, rows, project = open_trained(folder).latents, source_rows(), folder.parent
    flexrec("select", "--name", "right", "--box", "z1=0:9", "--colour", "#112233")
    status, out, _ = flexrec("select", "--name", "both", "--where", "defocus > 12000 and class != 2", "--and", "right",
                             "--export", "both.star")  # fmt: skip
    chosen = (z[:, 0] >= 0) & (10050 + 10 * rows > 12000) & (rows % 3 != 1)
    assert status == 0 and out.startswith(f"both  {chosen.sum()} of {COUNT} ")
    assert read_particles(project / "both.star").index.tolist() == rows[chosen].tolist()
    assert flexrec("save", "particles", str(tmp_path / "i.txt"), "--selection", "both")[0] == 0
    assert np.loadtxt(tmp_path / "i.txt", int).tolist() == rows[chosen].tolist()
    (project / "outline.csv").write_text("x,y\n0,-9\n9,-9\n9,9\n0,9\n")
    out = flexrec("select", "--name", "drawn", "--lasso", "outline.csv", "--axes", "z1,z2", "--not", "both")[1]
    assert out.startswith(f"drawn  {((z[:, 0] > 0) & ~chosen).sum()} of")
    (project / "defocus.csv").write_text("0,0\n9,0\n9,12005\n0,12005\n")
    out = flexrec("select", "--name", "plot", "--lasso", "defocus.csv", "--axes", "z1,defocus")[1]
    assert out.startswith(f"plot  {((z[:, 0] > 0) & (10050 + 10 * rows < 12005)).sum()} of")
    flexrec("selections", "--remove", "plot")
    out = flexrec("select", "--name", "near", "--near", "-1,0.5", "--count", "10", "--or", "both", "--invert")[1]
    near = np.zeros(COUNT, bool)
    near[np.argsort(np.linalg.norm(z - [-1, 0.5], axis=1))[:10]] = True
    assert out.startswith(f"near  {(~near | chosen).sum()} of")
    out = flexrec("select", "--name", "near", "--near", "p3", "--radius", "2", "--in-angstroms")[1]
    close = np.linalg.norm((z - z[3]) * [3, 0.5], axis=1) <= 2
    assert abs(int(out.split()[1]) - close.sum()) <= 1
    listed = flexrec("selections")[1].splitlines()
    assert [line.split()[0] for line in listed] == ["both", "drawn", "near", "right"] and "#112233" in listed[3]
    left = flexrec("selections", "--remove", "right")[1].splitlines()
    assert [line.split()[0] for line in left] == ["both", "drawn", "near"]


def test_a_selection_made_again_keeps_its_colour(flexrec):
    first = flexrec("select", "--name", "again", "--where", "z1 > 0")[1].split()[5]
    flexrec("select", "--name", "other", "--where", "z1 > 0")
    assert flexrec("select", "--name", "again", "--where", "z1 > 1")[1].split()[5] == first


@pytest.mark.parametrize("words, sentence", [
    (["path", "--axis", "pc3"], "one of z1 to z2 or pc1 to pc2"),
    (["path"], "one of the arguments --axis --through --graph --points is required"),
    (["path", "--axis", "pc1", "--graph", "p1,p2"], "not allowed with argument"),
    (["path", "--through", "1,2,3"], "A latent point has 2 numbers here, and one has 1"),
    (["path", "--through", "p999,p1"], "There is no particle 999"),
    (["path", "--through", "0,0,1,x"], "'x' is no number"),
    (["path", "--through", "s:none,p1"], "There is no selection 'none'"),
    (["path", "--through", "0,0,1,1", "--at", "0,0"], "only be given for a path along an axis"),
    (["path", "--axis", "pc1", "--range", "5"], "range: '5' must be two numbers"),
    (["path", "9", "--axis", "pc1"], "there is no job 9"),
    (["path", "1", "--axis", "pc1"], "a prep job has no model"),
    (["cluster", "--count", "0"], "must be at least 1"),
    (["cluster", "--count", "301"], "ask for 1 to 300"),
    (["select", "--name", "a", "--where", "defokus > 1"], "perhaps defocus"),
    (["select", "--name", "a", "--lasso", "outline.txt", "--axes", "z1,micrograph"], "micrograph holds words"),
    (["select", "--name", "a", "--lasso", "outline.txt", "--axes", "z1"], "two axes"),
    (["select", "--name", "a", "--lasso", "none.txt"], "cannot be read"),
    (["select", "--name", "a", "--box", "micrograph=1:2"], "micrograph holds words"),
    (["select", "--name", "a", "--cluster", "9"], "There is no cluster 9; they are counted from 1 to 4"),
    (["select", "--name", "a", "--cluster", "x"], "must be numbers"),
    (["path", "--graph", "c9,c1"], "There is no cluster 9"),
    (["path", "--axis", "pc1", "--output", "pc1.txt"], "ends so"),
    (["select", "--name", "a", "--box", "z1"], "'z1' must be such as z1=-1:1"),
    (["select", "--name", "a", "--count", "5"], "give the point too"),
    (["select", "--name", "a", "--near", "p1"], "either how many, or a radius"),
    (["select", "--name", "a", "--and", "none"], "There is no selection 'none'"),
    (["select", "--name", "../a"], "cannot be a selection's name"),
    (["save", "particles", "x.star", "--selection", "none"], "There is no selection 'none'"),
    (["path", "--axis", "pc1", "--range", "0.05,0.95"], "give them in %"),
    (["path", "--through", "p1,p2", "--range", "10,20"], "only be given for a path along an axis"),
    (["path", "--points", "none.csv"], "there is no such file"),
    (["select", "--name", "a", "--box", "z1=1:-1"], "give the lower bound first"),
    (["select", "--name", "a", "--box", "z1=nan:1"], "give the lower bound first"),
    (["select", "--name", "a", "--box", "z1=0:1,z1=1:2"], "z1 is given twice"),
    (["select", "--name", "a", "--cluster", ""], "must be numbers"),
    (["select", "--name", "a "], "cannot be a selection's name"),
    (["state", "keep", "a ", "--at", "p1"], "cannot be a state's name"),
    (["select", "--name", "a", "--where", "probability > 0"], "this training has not estimated it"),
    (["selections", "--remove", "none"], "There is no selection 'none'"),
])  # fmt: skip
def test_a_mistake_is_one_sentence(flexrec, folder, words, sentence):
    flexrec("cluster", "--count", "4")
    (folder.parent / "outline.txt").write_text("0 0\n1 0\n0 1\n")
    before = sorted(path.name for path in folder.parent.rglob("*"))
    status, out, err = flexrec(*words)
    assert status == 2 and out == "" and sentence in err and err.count("\n") == 1
    assert sorted(path.name for path in folder.parent.rglob("*")) == before


def test_a_selection_says_how_near_was_meant(flexrec):
    assert "the 4 nearest to p3" in flexrec("select", "--name", "near", "--near", "p3", "--count", "4")[1]
    words = ("select", "--name", "near", "--near", "p3", "--radius", "2", "--in-angstroms")
    assert "within 2 Å of p3" in flexrec(*words)[1]


def test_the_map_of_one_particle_has_no_change_to_compare(flexrec):
    status, out, err = flexrec("compare", "3", "3", "--maps", "1")
    assert status == 0 and "CC 1.00; FSC" in out and "what changes" not in out
    assert "003-train is compared with itself, and so agrees; name another model." in err


@pytest.mark.parametrize("target", ["particles.star", "001-prep/particles.star"])
def test_a_selection_never_takes_the_place_of_all_particles(flexrec, folder, target):
    flexrec("select", "--name", "some", "--where", "z1 > 1")
    before = (folder.parent / target).read_bytes()
    status, _, err = flexrec("save", "particles", target, "--selection", "some")
    assert status == 2 and "chosen from" in err and (folder.parent / target).read_bytes() == before


def test_a_folder_in_the_place_of_a_file_is_one_sentence(flexrec, folder):
    flexrec("select", "--name", "some", "--where", "z1 > 1")
    for name, words in (("d.json", ("path", "--axis", "pc1", "--output")),
                        ("d.txt", ("save", "particles", "--selection", "some"))):  # fmt: skip
        (folder.parent / name).mkdir()
        status, _, err = flexrec(*words, name)
        assert status == 2 and err.startswith("flexrec: d.") and "is a folder" in err and err.count("\n") == 1
        assert not list(folder.parent.glob("*.part*"))


def test_a_terminal_without_the_letter_of_angstroms_gets_its_lines(flexrec, folder, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    words = ["select", "--name", "near", "--near", "p3", "--radius", "2", "--in-angstroms"]
    assert program.main(words) == 0
    sys.stdout.flush()
    assert b"within 2 \\xc5 of p3" in written.getvalue()


def test_a_place_that_takes_no_files_is_one_sentence(flexrec):
    flexrec("select", "--name", "some", "--where", "z1 > 1")
    status, _, err = flexrec("save", "particles", "/proc/x.txt", "--selection", "some")
    assert status == 2 and err.startswith("flexrec: /proc/x.txt: ") and err.count("\n") == 1


def test_the_folder_of_another_program_is_a_project(tmp_path, monkeypatch, capfd):
    work = shutil.copytree(Path(__file__).parent / "cryodrgn_example", tmp_path / "work")
    assert program.main(["state", "list", "--project", str(work)]) == 0
    assert "kmeans20" in capfd.readouterr().out
    monkeypatch.chdir(work)
    assert program.main(["select", "--name", "right", "--where", "z1 > 0"]) == 0
    assert (work / "selections" / "right.npz").is_file()
    monkeypatch.chdir(work / "analyze.3")
    capfd.readouterr()
    assert program.main(["state", "list"]) != 0
    assert f"open {work} (cryoDRGN)" in capfd.readouterr().err


def test_a_train_job_that_one_stands_in_is_meant(flexrec, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert flexrec("select", "--name", "here", "--where", "z1 > 0")[0] == 0
    assert (folder.parent / "selections" / "here.npz").is_file() and not (folder / "selections").exists()
