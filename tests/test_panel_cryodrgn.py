"""A work folder of cryoDRGN in the viewer's panel: a click shows its map, and the words say who decodes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from panel_window import PATIENCE, click, open_viewer

EXAMPLE = Path(__file__).parent / "cryodrgn_example"


def test_a_click_decodes_cryodrgns_map(qtbot, tmp_path):
    folder = shutil.copytree(EXAMPLE, tmp_path / "work")
    viewer = open_viewer(qtbot, folder / "weights.2.pkl")
    scene, maps = viewer.scene, []
    assert scene.trained.model.epoch == 2
    scene.mapped.connect(lambda volume, pixel_size: maps.append(volume))
    click(viewer, scene.trained.latents.mean(axis=0) if not viewer.panel.plot.plane.view else [0.0, 0.0])
    qtbot.waitUntil(lambda: scene.z is not None and bool(maps), timeout=PATIENCE)
    true = scene.trained.model.decode(scene.z)
    qtbot.waitUntil(lambda: np.abs(maps[-1] - true).max() < 1e-4 * true.max(), timeout=PATIENCE)
    said = viewer.panel.status.toolTip()
    assert "decoded by FlexRec from cryoDRGN's weights, epoch 2" in said and "Å" not in said
