"""A folder of DynaMight is told from others, and said what it is."""

from __future__ import annotations

import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.find_model import trained_folder
from chimerax.flexrec.models import open_model


def test_dynamights_folder_is_one_sentence(tmp_path):
    checkpoints = tmp_path / "DynaMight" / "job003" / "forward_deformations" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "checkpoint_final.pth").write_bytes(b"PK\x03\x04")  # which is not looked into
    for path in (checkpoints.parents[1], checkpoints / "checkpoint_final.pth"):
        with pytest.raises(InputError, match="its latents are in no file; open a folder with the series") as refused:
            open_model(path)
        assert "\n" not in str(refused.value)
    assert trained_folder(checkpoints.parents[1]) == checkpoints.parents[1]
