"""The process of one background job: ``python -m chimerax.flexrec.jobs.worker FOLDER``.

It runs the job, writes everything in the job's folder, and before it ends starts the job that waits next.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from . import dispatch, runner
from .declare import Job
from .record import read_record
from .registry import find_job


def main(words: list[str], find: Callable[[str], Job] = find_job) -> int:
    """Run the job of a folder, if it is still wanted; the exit status is 0 done or stopped, 1 failed, 2 wrong input."""
    faulthandler.enable()
    folder = Path(words[0])
    if not dispatch.claim(folder, os.getpid()):
        return 0
    error = "it did not begin"
    try:
        runner.start(find(read_record(folder)["verb"]), folder)
        return 0
    except InputError as mistake:
        error = str(mistake)
        print(error, file=sys.stderr)
        return 2
    except Exception as crash:
        error = f"{type(crash).__name__}: {crash}"
        traceback.print_exc()
        return 1
    finally:
        dispatch.leave(folder, os.getpid(), error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
