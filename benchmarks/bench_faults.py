"""Kill background jobs at random moments, and count what comes of it: a table with one row per moment that was hit.

Every job is killed several times and resumed each time, while another waits behind it. It must end with the bytes of
an unbroken run, no file may ever be half-written, and the queue must go on.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import counting_program
from killed_jobs import kill_and_resume, unbroken

KILLS_OF_A_JOB = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many processes to kill (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    chosen = parser.parse_args()
    counting_program.declare()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="flexrec-faults-") as folder:
        os.environ["FLEXREC_SLOTS"] = str(Path(folder) / "slots")
        moments, wrong = run_trials(Path(folder), chosen.kills, random.Random(chosen.seed))
    print(f"{'killed':<20} {'times':>6}")
    for moment in ("before it began", "while it ran", "after it ended"):
        print(f"{moment:<20} {moments[moment]:6d}")
    print(f"{'all':<20} {sum(moments.values()):6d}")
    jobs = -(-chosen.kills // KILLS_OF_A_JOB)
    print(f"{jobs} jobs, {len(wrong)} with another result, a half-written file or a queue that stands still; "
          f"{time.perf_counter() - began:.0f} s")  # fmt: skip
    for sentence in wrong:
        print(sentence)
    return 1 if wrong else 0


def run_trials(folder: Path, kills: int, dice: random.Random) -> tuple[Counter, list[str]]:
    """How often each moment was hit, and what went wrong."""
    wanted, moments, wrong = unbroken(folder / "unbroken"), Counter(), []
    while kills > 0:
        share = min(kills, KILLS_OF_A_JOB)
        project = folder / f"project-{kills}"
        project.mkdir()
        try:
            moments += kill_and_resume(project, share, dice, wanted)
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")
        kills -= share
    return moments, wrong


if __name__ == "__main__":
    sys.exit(main())
