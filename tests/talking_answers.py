"""What a test's engine process answers: it prints where it should not, takes its time, and makes mistakes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError


class TalkingAnswers:
    """Stands where `models.answers.ModelAnswers` does."""

    backend = "numpy"

    def __init__(self, backend: str) -> None:
        print("starting with", backend)

    def answer(self, ask: str, fields: dict, array: np.ndarray | None) -> tuple[dict, np.ndarray | None]:
        if ask == "talk":
            print("from print", flush=True)
            os.write(1, b"from the file of standard output\n")
            os.system("echo from a child")
            return {"read": sys.stdin.read()}, None
        if ask == "sleep":
            time.sleep(fields["seconds"])
            return {}, None
        if ask == "wait":
            Path(fields["begun"]).touch()
            while not Path(fields["until"]).exists():
                time.sleep(0.01)
            return {}, None
        if ask == "double":
            return {"said": fields.get("said")}, None if array is None else 2 * array
        if ask == "fill":
            return {}, np.ones(fields["count"], np.float32)
        if ask == "refuse":
            raise InputError("this is refused; ask something else.")
        if ask == "exhaust":
            raise MemoryError
        raise ZeroDivisionError("division by zero")


def main() -> None:
    """The engine process with these answers."""
    import chimerax.flexrec.decoder_process.__main__ as serving

    serving.ANSWERS = "talking_answers:TalkingAnswers"
    serving.main()


if __name__ == "__main__":
    main()
