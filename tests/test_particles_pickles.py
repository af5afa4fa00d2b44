"""Other programs' pickles: arrays come in, code does not."""

from __future__ import annotations

import collections
import datetime
import os
import pickle

import numpy as np
import pytest
import torch
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from hostile_pickles import MARK, good_archive, good_legacy, hostile


class Evil:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def dump(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_containers_come_back(tmp_path, protocol):
    value = {
        "rot": np.arange(6.0).reshape(2, 3).T, "list": [1, 2.5, "x", None, True, b"raw"], "n": np.float32(2),
        "rec": np.zeros(2, [("a", "f4"), ("b", "i8")]), "od": collections.OrderedDict(a=1), "set": {1, 2}, "s": slice,
    }  # fmt: skip
    del value["s"]
    back = load_arrays_pickle(dump(tmp_path / "a.pkl", value, protocol))
    np.testing.assert_array_equal(back["rot"], value["rot"])
    assert back["rec"].dtype == value["rec"].dtype and back["list"] == value["list"] and back["n"] == 2
    assert back["od"] == value["od"] and back["set"] == value["set"]


@pytest.mark.parametrize("protocol", range(6))
def test_a_time_is_passed_over_and_is_nothing_else(tmp_path, protocol):
    """The older abinit of cryoDRGN leaves one in its weights, with the config."""
    value = {"configs": {"time": datetime.datetime.now(), "D": 33}}
    assert load_arrays_pickle(dump(tmp_path / "a.pkl", value, protocol)) == {"configs": {"time": None, "D": 33}}
    for code in (b"cdatetime\ndatetime.now\n.", b"cdatetime\ntimezone\n(tR.", b"cdatetime\nsys\n."):
        (tmp_path / "a.pkl").write_bytes(code)
        with pytest.raises(InputError, match="datetime"):
            load_arrays_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "evil, named",
    [
        (Evil(os.system, "touch pwned"), "system"),
        (Evil(eval, "open('pwned','w')"), "eval"),
        (Evil(getattr, "x", "upper"), "getattr"),
        (Evil(np.load, "x"), "load"),
        (Evil(np.fromfile, "x"), "fromfile"),
    ],
)
def test_calls_are_refused_by_name_and_not_made(tmp_path, monkeypatch, evil, named):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=named):
        load_arrays_pickle(dump(tmp_path / "a.pkl", [np.zeros(2), evil]))
    assert not (tmp_path / "pwned").exists()


def test_arrays_of_objects_and_broken_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="objects"):
        load_arrays_pickle(dump(tmp_path / "o.pkl", np.array([1, "a", None], object)))
    (tmp_path / "t.pkl").write_bytes(pickle.dumps(np.zeros(100))[:50])
    with pytest.raises(InputError, match="not a readable pickle"):
        load_arrays_pickle(tmp_path / "t.pkl")
    with pytest.raises(InputError, match="cannot be read"):
        load_arrays_pickle(tmp_path / "none.pkl")


def test_cryodrgns_own_files(shared_data):
    folder = shared_data / "cryodrgn"
    rotation, shift = load_arrays_pickle(folder / "toy_rot_trans.pkl")
    assert rotation.shape == (1000, 3, 3) and shift.shape == (1000, 2)
    assert load_arrays_pickle(folder / "test_ctf.pkl").shape == (1000, 9)
    assert load_arrays_pickle(folder / "zvals_het-2_1k.pkl").shape == (1319, 2)
    weights = load_arrays_pickle(folder / "het_weights.pkl")["model_state_dict"]
    assert weights["decoder.rand_freqs"].shape == (24, 3) and 0.3 < weights["decoder.rand_freqs"].std() < 0.7


@pytest.mark.parametrize("contents", [good_archive(), good_legacy()], ids=["zip", "before 1.6"])
def test_a_tensor_is_read_without_torch(tmp_path, contents):
    (tmp_path / "a.pt").write_bytes(contents)
    np.testing.assert_array_equal(load_arrays_pickle(tmp_path / "a.pt"), [0, 1, 2, 3])


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves_comes_back(tmp_path, zipped):
    value = {
        "a": torch.arange(12.0).reshape(3, 4).T, "b": torch.tensor([1, -2]),
        "c": torch.tensor(2.5, dtype=torch.float64), "d": torch.nn.Parameter(torch.ones(2)),
        "e": torch.tensor([True, False]), "f": torch.zeros(0, 3),
        "n": 7, "h": torch.tensor([0.5], dtype=torch.float16), "list": [torch.ones(1), np.arange(3)],
        "model": torch.nn.Linear(2, 3).state_dict(),
    }  # fmt: skip
    if zipped:
        value["g"] = torch.tensor([1.5, -3.0], dtype=torch.bfloat16)
    torch.save(value, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    back = load_arrays_pickle(tmp_path / "a.pt")
    assert back.keys() == value.keys() and back["n"] == 7
    for name in set(value) - {"n", "list", "model"}:
        np.testing.assert_array_equal(back[name], value[name].detach().float().numpy())
    np.testing.assert_array_equal(back["model"]["weight"], value["model"]["weight"].numpy())
    np.testing.assert_array_equal(back["list"][1], [0, 1, 2])


@pytest.mark.parametrize("name", hostile())
def test_a_hostile_or_damaged_file_runs_nothing_and_is_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(hostile()[name])
    with pytest.raises(InputError) as refused:
        load_arrays_pickle(tmp_path / "a.pkl")
    assert "\n" not in str(refused.value) and str(tmp_path / "a.pkl") in str(refused.value)
    assert not (tmp_path / MARK).exists()
