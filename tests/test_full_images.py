"""Recorded images that are no longer those that prep has read: refused in a sentence, before anything is solved."""

from __future__ import annotations

import shutil

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.reconstruct.full_images import open_full_images
from chimerax.flexrec.jobs.runner import run as run_job
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.particles.prepared import load_prepared
from trained_models import make_sliding, white

BOX, SMALL, PIXEL, COUNT = 32, 16, 10.0, 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project of prepared particles that were recorded in twice as many pixels, and a model of them."""
    project = tmp_path_factory.mktemp("full") / "project"
    source = run_job(SIMULATE, SIMULATE.build({"particles": COUNT, "box": BOX, "pixel_size": PIXEL, "threads": 1,
                                               "snr": 0.2, "noise_ratio": 5.0}), project)  # fmt: skip
    run_job(PREP, PREP.build({"particles": source, "box": SMALL, "workers": 1}), project)
    make_sliding(project / "003-train", (1.0,), white(COUNT, 1), prepared="../002-prep")
    return project


@pytest.fixture
def project(made, tmp_path):
    return shutil.copytree(made, tmp_path / "project")


def open_images(project, box=None):
    folder = project / "004-reconstruct"
    folder.mkdir(exist_ok=True)
    trained, prepared = open_trained(project / "003-train"), load_prepared(project / "002-prep")
    return open_full_images(trained, prepared, box, JobRun(folder))


def change_file(project, change):
    """Change the lines of the particle file, those of the particles alone by ``change(rows)``."""
    star = project / "001-simulate" / "particles.star"
    lines = star.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("000001@"))
    rows = [line for line in lines[first:] if line.strip()]
    star.write_text("\n".join([*lines[:first], *change(rows)]) + "\n")


def test_the_images_that_prep_read_are_read_again_wherever_the_project_lies(project):
    assert open_images(project).box == BOX


def test_a_particle_file_in_another_order_is_told(project):
    change_file(project, lambda rows: rows[7:] + rows[:7])
    with pytest.raises(InputError, match="image 8 of particles.mrcs is not the image that prep read for particle 1 "):
        open_images(project)
    assert open_images(project, SMALL).box == SMALL


def test_stacks_that_were_written_again_in_another_order_are_told(project):
    with mrcfile.open(project / "001-simulate" / "particles.mrcs", mode="r+") as file:
        file.set_data(file.data[::-1].copy())
    with pytest.raises(InputError, match="60 of 60 that were looked at are others"):
        open_images(project)


def test_another_pixel_size_than_prep_read_is_told(project):
    star = project / "001-simulate" / "particles.star"
    star.write_text(star.read_text().replace(f" {PIXEL:g} {BOX} ", f" {1.01 * PIXEL:g} {BOX} "))
    with pytest.raises(InputError, match=r"323.2 Å wide by the pixel size there, and were 320 Å when prep read them"):
        open_images(project)


def test_a_recorded_image_of_no_numbers_is_named(project):
    with mrcfile.open(project / "001-simulate" / "particles.mrcs", mode="r+") as file:
        file.data[33, 5, 5] = np.nan
    with pytest.raises(InputError, match="image 34 of particles.mrcs holds values that are not numbers"):
        open_images(project)


@pytest.mark.parametrize("box", (8, 14, 33, 64))
def test_a_box_that_no_resolution_can_be_told_in_is_refused(project, box):
    with pytest.raises(InputError, match=f"box {box}: must be even, at least 16 and at most the 32 pixels"):
        open_images(project, box)
