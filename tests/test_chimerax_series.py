"""A folder of maps in a real ChimeraX: opened as it is said, kept so in a session, and compared with another model."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.models import open_model
from chimerax.flexrec.reading import Reading
from test_compare_programs import maps_of_some
from trained_models import make_linear
from variability_writer import write_variability


def test_a_folder_of_maps_is_walked_through_and_compared(chimerax):
    project = chimerax.new_folder()
    linear = open_model(make_linear(project / "003-train"))
    object.__setattr__(linear, "latents", np.random.default_rng(8).normal(size=(400, 2)).astype(np.float32))
    job = write_variability(project / "J11", linear)
    folder = project / "maps"
    maps_of_some(folder, job, linear, "uid")
    (folder / "weights.3.pkl").write_bytes(b"")  # as if another program's files lay there, too
    chimerax.give(project)
    result = chimerax.run(f"""
import numpy as np
result["refused"] = sentence("flexrec open {folder}")
model = run("flexrec open {folder} format maps between nearest")
volume = run("flexrec volume at 0.4,-0.3")
np.save("{project}/nearest.npy", volume.full_matrix())
run("save {project}/kept.cxs")
run("close session")
run("open {project}/kept.cxs")
np.save("{project}/again.npy", run("flexrec volume").full_matrix())
model = run("flexrec open {job}")
compared = run("flexrec compare #1 maps 3 model #2")
result["compared"] = [int(compared["particles"]), compared["by"], [float(v) for v in compared["correlation"]]]
chosen = run('flexrec select name same where "alike > 0.5" model #2')
result["chosen"] = chosen["particles"]
run("flexrec save particles {project}/same.pkl selection same model #2")
""")
    nearest = open_model(folder, Reading("maps", "nearest")).decode([0.4, -0.3])
    assert "cryoDRGN" in result["refused"]
    for name in ("nearest", "again"):
        assert np.abs(np.load(project / f"{name}.npy") - nearest).max() < 1e-4 * nearest.max(), name
    assert result["compared"][:2] == [250, "uid"] and min(result["compared"][2]) > 0.99
    assert 150 < result["chosen"] <= 250 and (project / "same.pkl").stat().st_size > 100
