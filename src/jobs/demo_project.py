"""The small trained project that ships with FlexRec, copied to where it may be written to."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

from ..atomic import atomic_path
from ..errors import InputError
from .project import mark

SHIPPED = Path(__file__).resolve().parent.parent / "demo" / "project"


def unpack(project: Path, shipped: Path = SHIPPED) -> None:
    """Have the shipped files in ``project``, whatever else lies there. `InputError` where it is another project."""
    if project.exists() and not project.is_dir():
        raise InputError(f"{project} is a file; name a folder for the demo, which may be new.")
    if project.exists() and any(project.iterdir()) and not (project / "004-train" / "model.json").is_file():
        raise InputError(f"{project} holds something else; name an empty folder for the demo.")
    mark(project)
    for file in sorted(shipped.rglob("*")):
        target = project / file.relative_to(shipped)
        if file.is_dir() or (target.is_file() and filecmp.cmp(file, target, shallow=False)):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(file, temporary)
