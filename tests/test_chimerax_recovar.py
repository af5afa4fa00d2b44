"""RECOVAR's output and a job of 3D Variability in a real ChimeraX: opened, shown at a point, dragged, walked along."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.opening import checkpoint_of
from recovar_files import write_recovar
from trained_models import make_linear
from variability_writer import write_variability


def test_recovar_and_3d_variability_are_walked_through(chimerax):
    folder = chimerax.new_folder()
    recovar = write_recovar(folder / "pipeline")
    job = write_variability(folder / "J11", open_model(make_linear(folder / "003-train")))
    chimerax.give(recovar)
    chimerax.give(job)
    result = chimerax.run(f"""
import numpy as np
model = run("flexrec open {recovar} zdim 3")
volume = run("flexrec volume at 30,-20,10")
np.save("{folder}/three.npy", volume.full_matrix())
model.drag(np.array([10.0, 5.0, -3.0]))
np.save("{folder}/dragged.npy", volume.full_matrix())
result["refused"] = [sentence("flexrec open {recovar} epoch 3"), sentence("flexrec mesh")]
run("close session")
model = run("flexrec open {recovar}")
result["dims"] = model.learned.latent_dims
volume = run("flexrec volume at kmeans1")
np.save("{folder}/centre.npy", volume.full_matrix())
result["frames"] = len(run("flexrec path points {recovar}/analysis_1/traj000/latent_coords.txt")["z"])
run("flexrec play")
run("close session")
run("flexrec open {job}")
np.save("{folder}/variability.npy", run("flexrec volume at 0.4,-0.3").full_matrix())
""")
    three, one, linear = open_model(checkpoint_of(recovar, zdim=3)), open_model(recovar), open_model(job)
    for name, model, z in (("three", three, (30, -20, 10)), ("dragged", three, (10, 5, -3)), ("centre", one, (50,)),
                           ("variability", linear, (0.4, -0.3))):  # fmt: skip
        true = model.decode(z)
        assert np.abs(np.load(folder / f"{name}.npy") - true).max() < 1e-4 * np.abs(true).max(), name
    assert result["dims"] == 1 and result["frames"] == 5
    assert "its models differ by zdim" in result["refused"][0] and "RECOVAR model" in result["refused"][1]
