"""FlexRec as a wheel, packed from the files that run now: an environment gets the very same, without building it."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

from ...errors import InputError

_NAME = "ChimeraX-FlexRec"
_WHEEL = "Wheel-Version: 1.0\nGenerator: flexrec\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack_wheel(folder: Path) -> Path:
    """Write the wheel into a folder; ``InputError`` if FlexRec runs uninstalled, when nothing says what it needs."""
    # a source folder that happens to be the current one may hold an .egg-info, which is not what is installed
    installations = (installation for installation in distributions(name=_NAME) if installation.read_text("METADATA"))
    installed = next(installations, None)
    if installed is None:
        raise InputError("FlexRec itself is not installed in this Python; install it (pip install .) first.")
    path = folder / f"chimerax_flexrec-{installed.version}-py3-none-any.whl"
    contents = {**_package(), **_metadata(installed)}
    record = f"chimerax_flexrec-{installed.version}.dist-info/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def _package() -> dict[str, bytes]:
    """The package's files by their name in the wheel."""
    top = Path(__file__).resolve().parents[2]
    files = sorted(path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"chimerax/flexrec/{path.relative_to(top).as_posix()}": path.read_bytes() for path in files}


def _metadata(installed: Distribution) -> dict[str, bytes]:
    folder = f"chimerax_flexrec-{installed.version}.dist-info"
    texts = {"METADATA": installed.read_text("METADATA"), "entry_points.txt": installed.read_text("entry_points.txt")}
    return {f"{folder}/{name}": text.encode() for name, text in {**texts, "WHEEL": _WHEEL}.items() if text}


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
