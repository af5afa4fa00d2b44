"""A work folder of cryoDRGN in a real ChimeraX: opened, shown at a point, dragged, saved in a session."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import open_model

EXAMPLE = Path(__file__).parent / "cryodrgn_example"


def test_a_folder_of_cryodrgn_is_walked_through(chimerax):
    folder = shutil.copytree(EXAMPLE, chimerax.new_folder() / "work")
    chimerax.give(folder)
    session = folder.parent / "kept.cxs"
    result = chimerax.run(f"""
import numpy as np
model = run("flexrec open {folder} epoch 2")
result["epoch"] = model.learned.epoch
run("close #1")
model = run("flexrec open {folder}")
volume = run("flexrec volume at 0.1,-0.1")
np.save("{folder.parent}/at.npy", volume.full_matrix())
result["levels"] = [model.level, float(volume.full_matrix().max())]
model.drag(np.array([0.2, 0.1]))
np.save("{folder.parent}/dragged.npy", volume.full_matrix())
run("flexrec volume at c3")
np.save("{folder.parent}/centre.npy", volume.full_matrix())
result["refused"] = [sentence("flexrec mesh"), sentence("flexrec path pc 1 inAngstroms true")]
path = run("flexrec path points {folder}/analyze.3/pc1/z_values.txt")
result["frames"] = len(path["z"])
run("flexrec play")
run("flexrec state compare kmeans1 kmeans7")
run("flexrec volume at 0.1,-0.1")
run("save {session}")
run("close session")
run("open {session}")
np.save("{folder.parent}/again.npy", run("flexrec volume").full_matrix())
""")
    model = open_model(folder)
    centre = np.loadtxt(folder / "analyze.3" / "kmeans20" / "centers.txt")[2]
    for name, z in (("at", (0.1, -0.1)), ("dragged", (0.2, 0.1)), ("centre", centre), ("again", (0.1, -0.1))):
        true = model.decode(z)
        assert np.abs(np.load(folder.parent / f"{name}.npy") - true).max() < 1e-4 * true.max(), name
    assert result["epoch"] == 2 and 0 < result["levels"][0] < result["levels"][1]
    assert "cryoDRGN model" in result["refused"][0] and "latent units" in result["refused"][1]
    assert result["frames"] == len(np.loadtxt(folder / "analyze.3" / "pc1" / "z_values.txt"))
