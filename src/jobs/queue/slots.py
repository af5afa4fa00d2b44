"""Slots: a computer runs one background job at a time on each GPU, and one on its processors."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

CPU = "cpu"
TOGETHER = "+"  # between the slots of a job that has several
GPUS = "FLEXREC_GPUS"  # the environment variable by which a worker that is shown one GPU knows of the others


def visible_gpus(around: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The CUDA devices of this computer, as CUDA_VISIBLE_DEVICES names them; no torch is asked."""
    around = os.environ if around is None else around
    limited = around.get(GPUS, around.get("CUDA_VISIBLE_DEVICES"))
    if limited is not None:
        names = [name.strip() for name in limited.split(",")]
        end = next((i for i, name in enumerate(names) if name in ("", "-1")), len(names))
        return tuple(names[:end])
    return tuple(str(number) for number in range(_count_gpus()))


@cache
def _count_gpus() -> int:
    if sys.platform.startswith("linux"):
        folder = Path("/proc/driver/nvidia/gpus")
        return len(list(folder.iterdir())) if folder.is_dir() else _count_by_tool()
    return _count_by_tool()


def _count_by_tool() -> int:
    """By nvidia-smi, which comes with the driver; a computer without it has no CUDA device."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        done = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return len(re.findall(r"^GPU \d+:", done.stdout, re.MULTILINE))


def parts_of(slot: str) -> tuple[str, ...]:
    """The single slots of one that may name several: ``cuda:0`` and ``cuda:1`` of ``cuda:0+cuda:1``; each once."""
    return tuple(sorted(set(slot.split(TOGETHER))))


def choose_slot(device: str | None, taken: Collection[str], gpus: Collection[str]) -> str | None:
    """The free slot for a job that asks for ``device`` (None: it has no such parameter); None if it must wait.

    A slot is ``cpu``, ``cuda:0``, ``cuda:1`` … ``auto`` takes any free GPU, and the processors where there is none.
    Several together, ``cuda:0+cuda:1``, are given when all are free.
    """
    if device is not None and TOGETHER in device:
        return None if set(parts_of(device)) & set(taken) else device
    wanted = slots_of_device(device, len(gpus))
    return next((slot for slot in wanted if slot not in taken), None)


def slots_of_device(device: str | None, gpus: int) -> tuple[str, ...]:
    """The slots that would do, best first."""
    if device == "auto" and gpus:
        return tuple(f"cuda:{number}" for number in range(gpus))
    if device in (None, "auto"):
        return (CPU,)
    return ("cuda:0",) if device == "cuda" else (device,)


def only_gpu(device: str | None, slot: str, gpus: Collection[str]) -> str | None:
    """The GPU that a job on ``auto`` is shown alone, so that it computes in its slot; None: it sees what there is."""
    number = slot.removeprefix("cuda:")
    if device != "auto" or not number.isdecimal() or int(number) >= len(gpus):
        return None
    return tuple(gpus)[int(number)]


def device_name(word: str) -> str:
    """``cuda:1`` for ``1``; anything else as it is."""
    return f"cuda:{word}" if word.isdecimal() else word
