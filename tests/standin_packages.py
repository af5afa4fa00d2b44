"""A package index of stand-ins: the names and versions of what FlexRec needs, and little else."""

from __future__ import annotations

import zipfile
from pathlib import Path

# As little of torch as the report asks for.
TORCH = """
from types import SimpleNamespace as S
__version__ = "2.13.0"
cuda, backends = S(device_count=lambda: 0), S()
def get_num_threads(): return 3
class arange:
    def __init__(self, end, device, requires_grad): self.grad = S(tolist=lambda: [0.0, 2.0, 4.0, 6.0])
    def __matmul__(self, other): return self
    def backward(self): pass
"""
NUMBA = "__version__ = '0.68.1'\ndef njit(function): return function\n"
OTHERS = ("numpy", "scipy", "gemmi", "mrcfile", "tqdm", "psutil", "PyYAML", "threadpoolctl", "safetensors",
          "matplotlib", "h5py")  # fmt: skip


def write_wheel(folder: Path, name: str, version: str, code: str = "") -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    inside = f"{name}-{version}.dist-info"
    files = {f"{name}.py": code, f"{inside}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
             f"{inside}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}  # fmt: skip
    files[f"{inside}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{inside}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def fill_index(folder: Path, repository: Path) -> Path:
    """Write a wheel for each package, of the version that constraints.txt pins."""
    folder.mkdir()
    pinned = dict(line.split("==") for line in (repository / "constraints.txt").read_text().split() if "==" in line)
    for name in OTHERS:
        write_wheel(folder, name, pinned[name])
    write_wheel(folder, "torch", pinned["torch"], TORCH)
    write_wheel(folder, "numba", pinned["numba"], NUMBA)
    return folder
