"""Run in a Python that has cryoDRGN: networks of every kind that it writes, and the maps of its own eval_vol.

``python cryodrgn_maps.py FOLDER [WORK_FOLDER …]`` writes a work folder for each kind, its weights random, with map.mrc
and z.npy, and the same two for the weights in other work folders, into folders of their names.
"""

import argparse
import pickle
import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from cryodrgn.commands import eval_vol
from cryodrgn.models import HetOnlyVAE
from cryodrgn.models_ai import HyperVolume

SIDE = 25
# name: encoding, domain, activation, frequencies along an axis, width
KINDS = {
    "gaussian-fourier": ("gaussian", "fourier", "relu", None, 24),
    "gaussian-hartley": ("gaussian", "hartley", "relu", None, 24),
    "gaussian-skipped": ("gaussian", "hartley", "relu", 3, 20),  # as many inputs as it is wide: the first layer skips
    "ft-fourier": ("geom_ft", "fourier", "relu", None, 24),
    "ft-hartley": ("geom_ft", "hartley", "relu", 7, 24),
    "full-fourier": ("geom_full", "fourier", "leaky_relu", None, 24),
    "full-hartley": ("geom_full", "hartley", "leaky_relu", None, 24),
    "lowf-fourier": ("geom_lowf", "fourier", "relu", None, 24),
    "lowf-hartley": ("geom_lowf", "hartley", "relu", None, 24),
    "nohighf-fourier": ("geom_nohighf", "fourier", "relu", None, 24),
    "nohighf-hartley": ("geom_nohighf", "hartley", "relu", None, 24),
    "linear-fourier": ("linear_lowf", "fourier", "relu", None, 24),
    "linear-hartley": ("linear_lowf", "hartley", "relu", None, 24),
    "none-fourier": ("none", "fourier", "relu", None, 24),
}  # of none-hartley, eval_vol of 4.3.1 makes no maps


def evaluate(weights: Path, config: Path, zdim: int, out: Path) -> None:
    """The map of cryoDRGN's own command at a point."""
    z = np.linspace(-0.5, 0.7, zdim)
    np.save(out / "z.npy", z)
    parser = argparse.ArgumentParser()
    eval_vol.add_args(parser)
    words = [str(weights), "-c", str(config), "-o", str(out / "map.mrc"), "-z", *map(str, z)]
    eval_vol.main(parser.parse_args(words))


def make(folder: Path, encoding: str, domain: str, activation: str, dims: int | None, width: int) -> None:
    """A folder of random weights."""
    config = {
        "dataset_args": {"particles": "/nowhere/particles.mrcs", "norm": [0.25, 3.5], "invert_data": True, "ind": None},
        "lattice_args": {"D": SIDE, "extent": 0.5, "ignore_DC": True},
        "model_args": {
            "qlayers": 1, "qdim": 8, "players": 2, "pdim": width, "zdim": 2, "encode_mode": "resid",
            "enc_mask": SIDE // 2, "pe_type": encoding, "feat_sigma": 0.5, "pe_dim": dims, "domain": domain,
            "activation": activation, "tilt_params": {},
        },
    }  # fmt: skip
    write(folder, config, np.zeros((3, 2), np.float32))
    model, _ = HetOnlyVAE.load(config)
    torch.save({"epoch": 3, "model_state_dict": model.state_dict()}, folder / "weights.pkl")
    evaluate(folder / "weights.pkl", folder / "config.yaml", 2, folder)


def make_searched(folder: Path, latent: str | None, radius: int = 14) -> None:
    """As abinit writes it, its mask of a radius in frequencies."""
    about = {"resolution": 33, "z_dim": 2, "n_layers": 2, "hidden_dim": 24, "pe_type": "gaussian", "pe_dim": 8,
             "feat_sigma": 0.5, "domain": "hartley", "pe_type_conf": latent}  # fmt: skip
    config = {
        "data_norm_mean": 0.1, "data_norm_std": 2.5, "lattice_args": {"D": 33, "extent": 0.5},
        "model_args": {"zdim": 2, "pe_type": "gaussian", "pe_dim": 8, "domain": "hartley", "feat_sigma": 0.5},
        "dataset_args": {"particles": "/nowhere/particles.mrcs"},
    }  # fmt: skip
    write(folder, config, np.zeros((3, 2), np.float32))
    model = HyperVolume(**about)
    torch.save({"epoch": 3, "hypervolume_state_dict": model.state_dict(), "hypervolume_params": about,
                "output_mask_radius": radius}, folder / "weights.pkl")  # fmt: skip
    evaluate(folder / "weights.pkl", folder / "config.yaml", 2, folder)


def write(folder: Path, config: dict, latents: np.ndarray) -> None:
    """The config and the latents."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.dump(config))
    (folder / "z.pkl").write_bytes(pickle.dumps(latents))


if __name__ == "__main__":
    torch.manual_seed(0)
    top = Path(sys.argv[1])
    for name, kind in KINDS.items():
        make(top / name, *kind)
    make_searched(top / "searched", None)
    make_searched(top / "searched-geom", "geom")
    make_searched(top / "searched-whole", None, 16)
    for number, work in enumerate(map(Path, sys.argv[2:])):
        out = top / f"other-{number}"
        out.mkdir()
        zdim = yaml.safe_load((work / "config.yaml").read_text())["model_args"]["zdim"]
        evaluate(work / "weights.pkl", work / "config.yaml", zdim, out)
