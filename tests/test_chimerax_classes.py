"""Classes that move, and pieces that come and go, in a real ChimeraX: a drag carries the contour of what is there."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.models import open_model
from trained_models import make_moving_classes, make_occupancy


def test_a_drag_from_class_to_class_changes_the_contour(chimerax):
    job = make_moving_classes(chimerax.new_folder() / "001-train")
    chimerax.give(job.parent)
    result = chimerax.run(f"""
import numpy as np
model = run("flexrec open {job}")
volume = run('flexrec state show "class 1"')
first, second = model.learned.states.values()

def contour(z):
    model.show(z)
    model.dragging.prepare()
    model.dragging.follow()
    drawn = model.dragging.contour
    return len(drawn.triangles)

result["triangles"] = [contour(first), contour(second), contour(first + np.array([0.5, 0.1]))]
run("flexrec volume at 0.3,1")
np.save("{job.parent}/at.npy", run("flexrec volume").full_matrix())
""")
    one, two, again = result["triangles"]
    assert 0 < one < 0.8 * two and again == one
    model = open_model(job)
    assert np.abs(np.load(job.parent / "at.npy") - model.decode([0.3, 1])).max() < 1e-4 * model.volume.max()


def test_a_drag_shows_the_contour_without_a_piece_of_a_part_that_is_absent(chimerax):
    job = make_occupancy(chimerax.new_folder() / "001-train")
    chimerax.give(job.parent)
    result = chimerax.run(f"""
import numpy as np
model = run("flexrec open {job}")

def contour(z):
    model.show(np.array(z))
    model.dragging.prepare()
    model.dragging.follow()
    return len(model.dragging.contour.triangles)

result["triangles"] = [contour([0.2, 2.0]), contour([0.2, -2.0]), contour([-0.3, 2.0])]
result["chosen"] = run('flexrec select name with where "presence2b > 0.5"')["particles"]
result["notes"] = list(model.learned.notes)
run("flexrec volume at 0.3,-2")
np.save("{job.parent}/at.npy", run("flexrec volume").full_matrix())
""")
    full, lacking, again = result["triangles"]
    assert 0 < lacking < full and again == full
    model = open_model(job)
    assert result["chosen"] == int((model.latents[:, 1] > 0).sum())
    assert result["notes"][0] == f"Part 2b is present in {100 * result['chosen'] / 300:.0f} % of the particles."
    assert np.abs(np.load(job.parent / "at.npy") - model.decode([0.3, -2])).max() < 1e-4 * model.volume.max()
