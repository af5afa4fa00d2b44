"""Runs FlexRec's processes with the reader of the third decoder: in place of a Python that does so by itself.

``python toy_process.py BOOT words…`` does what ``python BOOT words…`` does, and registers `toy_model` in between.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def toy_python(folder: Path, python: str = sys.executable) -> Path:
    """A program in ``folder`` that stands for ``python``."""
    program = folder / "toy_python"
    here = Path(__file__).resolve()
    of_us = f'*boot.py) exec "{python}" "{here}" "$@";;'
    program.write_text(f'#!/bin/sh\ncase "$1" in\n{of_us}\nesac\nexec "{python}" "$@"\n')
    program.chmod(0o755)
    return program


def main() -> int | None:
    spec = importlib.util.spec_from_file_location("boot", sys.argv[1])
    boot = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(boot)
    load = boot.load

    def load_more(package, version):
        load(package, version)
        sys.path.insert(0, str(Path(__file__).resolve().parent))
        import toy_model  # noqa: F401 (registers its reader)

    boot.load = load_more
    del sys.argv[0]
    return boot.main()


if __name__ == "__main__":
    sys.exit(main())
