"""A linear model in a real ChimeraX: its maps, and what it says where something should move."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.models import open_model
from trained_models import make_linear


def test_a_linear_model_shows_maps_and_moves_nothing(chimerax):
    job = make_linear(chimerax.new_folder() / "001-train")
    chimerax.give(job.parent)
    session = job.parent / "kept.cxs"
    found = chimerax.run(f"""
import numpy as np
model = run("flexrec open {job}")
volume = run("flexrec volume at 0.7,-0.4")
np.save("{job.parent}/at.npy", volume.full_matrix())
model.drag(np.array([0.1, 0.2]))
np.save("{job.parent}/dragged.npy", volume.full_matrix())
result["refused"] = [sentence("flexrec mesh"), sentence("flexrec flow"), sentence("flexrec path pc 1 inAngstroms true")]
path = run("flexrec path pc 1 frames 5")
run("flexrec play")
result["played"] = np.allclose(model.z, path["z"][-1])
run("flexrec state keep one at 0,0")
run("flexrec state keep two at 1,0")
run("flexrec state compare one two")
result["models"] = len(session.models.list())
run("flexrec volume at 0.7,-0.4")
run("save {session}")
run("close session")
run("open {session}")
np.save("{job.parent}/again.npy", run("flexrec volume").full_matrix())
""")
    linear = open_model(job)
    for name, z in (("at", (0.7, -0.4)), ("dragged", (0.1, 0.2)), ("again", (0.7, -0.4))):
        assert np.abs(np.load(job.parent / f"{name}.npy") - linear.decode(z)).max() < 1e-4 * linear.volume.max(), name
    assert all("nothing moves" in said for said in found["refused"][:2]) and "latent units" in found["refused"][2]
    assert found["played"] and found["models"] > 3
