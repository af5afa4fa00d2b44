"""A model of a decoder that FlexRec does not have, in a real ChimeraX with a real engine process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from trained_models import make_linear, two_blobs

TESTS = Path(__file__).resolve().parent


def make_classes(folder: Path) -> Path:
    """A model of two classes of the two blobs."""
    make_linear(folder, 1)
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "format": "test-classes"}))
    np.savez(folder / "classes.npz", volumes=np.stack([two_blobs(), 0.5 * two_blobs()]))
    return folder


def test_chimerax_shows_it(chimerax):
    job = make_classes(chimerax.new_folder() / "001-train")
    for name in ("toy_model.py", "toy_process.py"):
        shutil.copy(TESTS / name, job.parent)
    chimerax.give(job.parent)
    session = job.parent / "kept.cxs"
    found = chimerax.run(f"""
import sys
import numpy as np
sys.path.insert(0, {str(job.parent)!r})
import toy_model
from pathlib import Path
from chimerax.core.python_utils import chimerax_python_executable
from toy_process import toy_python
run("flexrec engine python " + str(toy_python(Path({str(job.parent)!r}), chimerax_python_executable())))
model = run("flexrec open {job}")
volume = run("flexrec volume at 0.7")
np.save("{job.parent}/at.npy", volume.full_matrix())
np.save("{job.parent}/wanted.npy", model.trained.model.decode([0.7]))
result["refused"] = [sentence("flexrec mesh"), sentence("flexrec flow")]
path = run("flexrec path pc 1 frames 5")
run("flexrec play")
result["played"] = np.allclose(model.z, path["z"][-1])
run("flexrec volume at 0.7")
run("save {session}")
run("close session")
run("open {session}")
np.save("{job.parent}/again.npy", run("flexrec volume").full_matrix())
run("flexrec engine python chimerax")
""")
    wanted = np.load(job.parent / "wanted.npy")
    for name in ("at", "again"):
        assert np.abs(np.load(job.parent / f"{name}.npy") - wanted).max() < 1e-4 * wanted.max(), name
    assert all("nothing moves" in said for said in found["refused"]) and found["played"]
