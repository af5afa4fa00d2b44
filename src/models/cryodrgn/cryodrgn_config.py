"""What cryoDRGN's config.yaml, or config.pkl before version 3, says of a training; of CryoDRGN-AI its own file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...particles.pickles import load_arrays_pickle
from .drgnai_config import AI_NAMES, cryodrgn_values

NAMES = ("config.yaml", "config.pkl")
ENCODINGS = ("none", "geom_ft", "geom_full", "geom_lowf", "geom_nohighf", "linear_lowf", "gaussian")
SLOPES = {"relu": 0.0, "leaky_relu": 0.01}  # of what is negative
_LARGEST = 1 << 20  # bytes of a config file


@dataclass(frozen=True)
class CryodrgnConfig:
    """A training of cryoDRGN.

    Attributes
    ----------
    file : the config. side : D + 1, the odd side of the lattice of frequencies of D pixels. extent : its edge.
    zdim : latent dimensions, 0 of a single map. domain : hartley or fourier. encoding : of `ENCODINGS`.
    encoding_dims : frequencies along each axis. slope : of the activation, where negative.
    mean, std : that the images' transforms were normalised by.
    searched : whether it is of CryoDRGN-AI or abinit of version 4.1 on, whose network is called a hypervolume.
    tilt_series : whether each latent point is of all tilts of a particle (cryoDRGN-ET).
    dataset : the paths and options of the images, as the config has them.
    """

    file: Path
    side: int
    extent: float
    zdim: int
    domain: str
    encoding: str
    encoding_dims: int
    slope: float
    mean: float
    std: float
    searched: bool
    tilt_series: bool
    dataset: dict[str, Any]

    @property
    def box(self) -> int:
        """D, voxels on a side of its maps."""
        return self.side - 1

    @property
    def poses_found(self) -> bool:
        """Whether the training has found or refined poses itself, which it leaves beside its weights."""
        return "poses" not in self.dataset or self.dataset.get("do_pose_sgd") is True

    @property
    def shift_unit(self) -> float:
        """What the shifts of such poses are divided by to be parts of the box: those of a hypervolume are pixels."""
        return float(self.box) if self.searched else 1.0

    @property
    def precision(self) -> type[np.floating]:
        """In which its program computes with a Python number and one of float32: numpy 2 in float32, numpy 1, which
        CryoDRGN-AI by itself cannot do without, in double.
        """
        return np.float64 if self.file.name in AI_NAMES else np.float32

    @classmethod
    def read(cls, file: Path, weights: Path | None = None) -> CryodrgnConfig:
        """``InputError``, a sentence, where the file is damaged or says what this FlexRec does not know.

        ``weights`` : of any epoch, which CryoDRGN-AI's config is not whole without.
        """
        values = _values(file)
        if file.name in AI_NAMES:
            values = cryodrgn_values(file, values, weights)
        network, lattice = values.get("model_args"), values.get("lattice_args")
        dataset = values.get("dataset_args") or {}
        if not isinstance(network, dict) or not isinstance(lattice, dict) or not isinstance(dataset, dict):
            raise InputError(f"{file}: has no lattice_args or model_args, so it is no config of cryoDRGN's that can be "
                             "read; copy it again.")  # fmt: skip
        training = values.get("training")
        if isinstance(training, dict) and training.get("explicit_volume"):
            raise InputError(f"{file}: was trained as one map on a grid (explicit_volume), without a network; open its "
                             "reconstruct.N.mrc in ChimeraX.")  # fmt: skip
        searched = "data_norm_mean" in values
        norm = (values["data_norm_mean"], values.get("data_norm_std")) if searched else dataset.get("norm")
        side = _whole(file, lattice, "D", 9, 4097)
        if side % 2 == 0:
            raise InputError(f"{file}: D is {side}, and cryoDRGN's is odd; copy it again.")
        mean, std = _norm(file, norm)
        dims = network.get("pe_dim")
        return cls(
            file, side, _number(file, lattice, "extent", 0.5), _whole(file, network, "zdim", 0, 1024, 0),
            _word(file, network, "domain", ("hartley", "fourier"), "hartley" if searched else None),
            _word(file, network, "pe_type", ENCODINGS, "gaussian" if searched else None),
            side // 2 if dims is None else _whole(file, network, "pe_dim", 1, 4096),
            SLOPES[_word(file, network, "activation", tuple(SLOPES), "relu")], mean, std, searched,
            # before version 3 tilt was a second image of each particle, in a file of its own
            network.get("encode_mode") == "tilt" and "particles_tilt" not in dataset, dataset,
        )  # fmt: skip


def _values(file: Path) -> dict:
    if file.suffix == ".pkl":
        values = load_arrays_pickle(file)
    else:
        values = _read_yaml(file)
    if not isinstance(values, dict):
        raise InputError(f"{file}: is no config of cryoDRGN's; copy it again.")
    return values


def _read_yaml(file: Path) -> Any:
    try:
        import yaml
    except ImportError:
        raise InputError(f"{file}: a YAML file needs the package PyYAML, which this Python lacks: pip install PyYAML."
                         ) from None  # fmt: skip
    try:
        with open(file, encoding="utf-8") as opened:
            text = opened.read(_LARGEST)
        return yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); copy it again.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read as YAML ({' '.join(str(error).split())[:120]}); copy it again."
                         ) from None  # fmt: skip


def _norm(file: Path, norm: Any) -> tuple[float, float]:
    try:
        mean, std = (float(number) for number in norm)
    except (TypeError, ValueError):
        mean, std = math.nan, math.nan
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
        raise InputError(f"{file}: says nothing usable about norm, the images' mean and deviation; copy it again.")
    return mean, std


def _shown(value: Any) -> str:
    """A value in a sentence: of containers, which may hold one another many times, the kind alone."""
    return repr(value)[:60] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def _whole(file: Path, values: dict, name: str, low: int, high: int, default: int | None = None) -> int:
    value = values.get(name, default)
    if type(value) is bool or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{file}: {name} is {_shown(value)}, not a whole number from {low} to {high}; copy it again.")
    return value


def _number(file: Path, values: dict, name: str, most: float) -> float:
    value = values.get(name)
    if type(value) is bool or not isinstance(value, float | int) or not 0 < value <= most:
        raise InputError(f"{file}: {name} is {_shown(value)}, where a number up to {most:g} is; copy it again.")
    return float(value)


def _word(file: Path, values: dict, name: str, known: tuple[str, ...], default: str | None) -> str:
    value = values.get(name, default)
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{file}: {name} is {_shown(value)}, and this FlexRec knows {', '.join(known)}; open it with "
                         "cryoDRGN, or with a newer FlexRec.")  # fmt: skip
    return value
