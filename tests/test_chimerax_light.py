"""The lighter picture during a drag, in a real ChimeraX whose pictures are made slow, or are not."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.models import open_model
from trained_models import PIXEL, make_trained

_STEPS = """
def steps():
    import time
    import numpy as np
    from chimerax.core.models import Model
    from chimerax.flexrec.scene.moving import contour, frame_rate

    class Slow(Model):
        # something else in the scene, that takes long to draw
        SESSION_SAVE = False
        def __init__(self):
            super().__init__("slow", session)
            self.set_geometry(np.eye(3, dtype=np.float32), None, np.array([[0, 1, 2]], np.int32))
        def draw_self(self, renderer, draw_pass):
            time.sleep(2 * slow)

    # until something slow is there no picture is, however busy the machine
    slow, frame_rate.SLOW = frame_rate.SLOW, 1000.0
    quick, frame_rate.QUICK = frame_rate.QUICK, 1000.0
    contour.MOST_LIGHT = 800
    model = run("flexrec open {job}")
    atoms = run("open {atoms}")[0]
    run("flexrec mesh color strain; flexrec flow count 200 threshold 0; flexrec follow #2; cartoon #2")
    run("flexrec path z 1 frames 5")
    yield 2

    def drawn():
        shapes = {{one.name: one.display for one in model.parts.arrows.child_drawings()}}
        moving = model.dragging.contour
        return {{
            "light": model.dragging.light, "trace": any(one.name == "trace" for one in atoms.child_drawings()),
            "moving": moving.display, "corners": len(moving.triangles) if moving.triangles is not None else 0,
            "lit": moving.use_lighting, "edges": len(model.parts.mesh.triangles), "arrows": shapes,
            "map": model.map.surfaces[0].display, "shown": sum(one.display for one in atoms.child_drawings()),
        }}

    def drag(name):
        for k in range(8):
            model.drag(np.array((0.1 * k, 0.3)))
            yield 0.1
        result[name] = drawn()

    result["rest"] = drawn()
    yield from drag("quick")
    run("flexrec volume at 0.7,0.3")
    yield 1.5
    frame_rate.SLOW, frame_rate.QUICK = slow, quick
    hindrance = Slow()
    session.models.add([hindrance])
    yield from drag("slow")
    still = atoms.atoms.coords
    model.drag(np.array((0.9, -0.4)))
    yield 0.2
    result["atoms wait"] = bool((atoms.atoms.coords == still).all())
    run("flexrec volume at 0.9,-0.4")
    yield 1.5
    result["after"] = drawn()
    np.savez("{saved}", map=model.map.data.array, atoms=atoms.atoms.coords, contour=model.map.surfaces[0].vertices)
    run("flexrec play seconds 3 loop true")
    yield lambda: model.dragging.light
    result["playing"] = drawn()
    run("flexrec pause")
    yield 1
    result["paused"] = drawn()
    session.models.close([hindrance])
    frame_rate.SLOW = frame_rate.QUICK = 1000.0
    for k in range(3):
        run(f"flexrec volume at 0,0.{{k}}")
        yield 0.7
    yield from drag("quick again")
    frame_rate.SLOW, frame_rate.QUICK = slow, quick
    run("flexrec play seconds 3 loop true")
    session.models.add([Slow()])
    yield lambda: model.dragging.light and any(one.name == "trace" for one in atoms.child_drawings())
    run("close #1")
    result["left"] = [any(one.name == "trace" for one in atoms.child_drawings()), atoms.num_atoms]
"""


def test_the_picture_is_lighter_only_while_the_hand_moves_and_pictures_are_slow(chimerax):
    folder = chimerax.new_folder()
    job, flow = make_trained(folder / "001-train")
    line = "ATOM  {0:5d}  {1:3s} ALA A{2:4d}    {3:8.3f}{4:8.3f}{5:8.3f}  1.00  0.00           {6}\n"
    turns, text = {"N": (1.55, -28, -0.9), "CA": (2.28, 0, 0), "C": (1.68, 27, 1.1), "O": (2.03, 20, 2.3)}, ""
    middle = PIXEL * (len(open_model(job).volume) // 2)
    for residue in range(12):
        for name, (radius, angle, up) in turns.items():
            turn = np.radians(100 * residue + angle)
            y, z = middle + radius * np.cos(turn), middle + radius * np.sin(turn)
            x = middle - 9 + 1.5 * residue + up
            text += line.format(text.count("\n") + 1, name, residue + 1, x, y, z, name[0])
    (folder / "atoms.pdb").write_text(text)
    chimerax.give(folder)
    saved = folder / "saved.npz"
    result = chimerax.window(_STEPS.format(job=job, atoms=folder / "atoms.pdb", saved=saved))

    rest, slow = result["rest"], result["slow"]
    full = {"shafts": True, "heads": True, "needles": False}
    for name in ("quick", "quick again"):
        quick = result[name]
        assert not quick["light"] and not quick["trace"] and quick["lit"] and quick["moving"], name
        assert quick["edges"] == rest["edges"] and quick["corners"] > 800, name
    assert slow["light"] and slow["trace"] and slow["moving"] and not slow["map"] and not slow["lit"]
    assert 100 < slow["corners"] < 1300 and 0 < slow["edges"] < rest["edges"]
    assert slow["arrows"] == {name: not shown for name, shown in full.items()} and slow["shown"] == 1
    assert result["atoms wait"]
    for name in ("after", "paused"):
        settled = result[name]
        assert not settled["light"] and not settled["trace"] and not settled["moving"] and settled["map"], name
        assert settled["edges"] == rest["edges"] and settled["shown"] == rest["shown"], name
    assert result["playing"]["light"] and result["left"] == [False, 48]

    model = open_model(job)
    with np.load(saved) as arrays:
        wanted = model.decode((0.9, -0.4))
        assert np.abs(arrays["map"] - wanted).max() < 1e-3 * wanted.max() and len(arrays["contour"]) > 400
        before = np.array([[float(row[k : k + 8]) for k in (30, 38, 46)] for row in text.splitlines()])
        assert np.linalg.norm(arrays["atoms"] - before, axis=1).max() > 0.5
