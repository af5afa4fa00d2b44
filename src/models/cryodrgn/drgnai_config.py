"""What CryoDRGN-AI's own package (drgnai) says of a training, in the words of cryoDRGN's abinit, which came from it.

Its out folder has drgnai-configs.yaml, or train-configs.yaml before version 0.3, and weights.N.pkl, conf.N.pkl and
pose.N.pkl; epoch -1 is its pretraining. The side of the lattice is in the weights alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle

AI_NAMES = ("drgnai-configs.yaml", "train-configs.yaml")


def cryodrgn_values(file: Path, values: dict, weights: Path | None) -> dict[str, Any]:
    """The config of a training as cryoDRGN's abinit would have written it; ``InputError`` where it says too little.

    ``weights`` : of any epoch.
    """
    asked = values.get("training") if file.name == AI_NAMES[0] else values
    if not isinstance(asked, dict) or "z_dim" not in asked:
        raise InputError(f"{file}: has no z_dim, so it is no config of CryoDRGN-AI's that can be read; copy it again.")
    given = {name: asked.get(name) for name in ("particles", "ctf", "ind", "datadir")}
    if asked.get("use_gt_poses") is True:
        given["poses"] = asked.get("pose")
    return {
        # of versions that did not write it their own maps are in the network's units
        "data_norm_mean": values.get("data_norm_mean", 0.0), "data_norm_std": values.get("data_norm_std", 1.0),
        "lattice_args": {"D": _side(weights), "extent": 0.5},
        "model_args": {
            "zdim": asked["z_dim"], "pe_type": asked.get("pe_type"), "pe_dim": asked.get("pe_dim"),
            "domain": asked.get("hypervolume_domain"),
            "encode_mode": "tilt" if asked.get("subtomogram_averaging") else None,
        },
        "dataset_args": {**given, "invert_data": asked.get("invert_data", True)},
        "training": {"explicit_volume": asked.get("explicit_volume")},
    }  # fmt: skip


def _side(weights: Path | None) -> Any:
    """What a checkpoint says that its network was made with; None where there is none."""
    checkpoint = None if weights is None else load_arrays_pickle(weights)
    about = checkpoint.get("hypervolume_params") if isinstance(checkpoint, dict) else None
    return about.get("resolution") if isinstance(about, dict) else None
