"""Random users in a real ChimeraX: sequences of actions, and after each whether anything failed, or the panel shows
something else than the scene.

    python benchmarks/chimerax_fuzz.py --sequences 200 --actions 30 --seed 0

ChimeraX, on the PATH or named in FLEXREC_CHIMERAX, must have FlexRec installed, and runs in a window under Xvfb. One
process runs many sequences; one that ends or hangs is counted, and another goes on with the next sequence. A failure is
repeated by its number: ``--first N --sequences 1`` with the same seed and number of actions.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

INSIDE = Path(__file__).with_name("fuzz") / "window.py"
SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1200x900x24")
PATIENCE = 120.0  # seconds without a word after which a process is taken to hang
START = 180.0  # seconds that ChimeraX may need until its first word


@dataclass
class FuzzResult:
    """What came of it: sequences that were begun, actions by their names, and each failure with its sequence."""

    sequences: int = 0
    actions: Counter = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    ends: int = 0
    hangs: int = 0
    refused: Counter = field(default_factory=Counter)
    seconds: float = 0.0


def fuzz(command: list[str], folder: Path, numbers: range, actions: int, seed: int) -> FuzzResult:
    """Run these sequences; ``command`` runs ChimeraX on a screen, and may write to ``folder``."""
    result, next_one, started = FuzzResult(), numbers.start, time.monotonic()
    while next_one < numbers.stop:
        journal = Journal(folder / "journal.jsonl")
        with open(folder / "output.txt", "ab") as output:
            words = " ".join([f'"{INSIDE}"', f'"{folder}"', *map(str, (next_one, numbers.stop, actions, seed))])
            process = subprocess.Popen(
                [*command, "--script", words], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        how = _watch(process, journal, result)
        if how is None:
            break
        at = max(journal.sequence, next_one)
        result.failures.append((at, f"{how} in: {journal.action}"))
        result.hangs += how.startswith("hangs")
        result.ends += not how.startswith("hangs")
        next_one = at + 1
    result.seconds = time.monotonic() - started
    return result


class Journal:
    """Lines that are written by a process, read as they come."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path, self._read = path, 0
        self.sequence, self.action, self.ended, self.lines = -1, "start", False, 0

    def look(self, result: FuzzResult) -> bool:
        """Take what is new; False where nothing is."""
        text = self._path.read_bytes()[self._read :] if self._path.is_file() else b""
        text = text[: text.rfind(b"\n") + 1]
        self._read += len(text)
        for line in map(json.loads, text.splitlines()):
            self._take(line, result)
        return bool(text)

    def _take(self, line: dict, result: FuzzResult) -> None:
        self.lines += 1
        self.ended |= "ended" in line
        self.sequence = line.get("sequence", self.sequence)
        if "problems" in line:
            step, action = line.get("step", "?"), line.get("action", "?")
            text = f"step {step} ({action}): " + "\n    ".join(line["problems"])
            result.failures.append((self.sequence, text))
            print(f"sequence {self.sequence}, {text}", flush=True)
        elif "refused" in line:
            result.refused[line["refused"]] += 1
        elif "step" in line:
            self.action = f"step {line['step']} ({line['action']})"
            result.actions[line["action"]] += 1
        elif "sequence" in line:
            result.sequences += 1
            self.action = "begin"


def _watch(process: subprocess.Popen, journal: Journal, result: FuzzResult) -> str | None:
    """Until all sequences are done (None), or what became of the process."""
    heard = time.monotonic()
    while True:
        ended = process.poll() is not None
        if journal.look(result):
            heard = time.monotonic()
        if journal.ended:
            _end(process)
            return None
        if ended:
            return f"ChimeraX ended with status {process.returncode}"
        if time.monotonic() - heard > (PATIENCE if journal.lines else START):
            _end(process)
            return "hangs"
        time.sleep(0.2)


def _end(process: subprocess.Popen) -> None:
    """It, and all that it has started."""
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--actions", type=int, default=30, help="in each sequence (default: 30)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first sequence")
    arguments = parser.parse_args()
    chimerax = os.environ.get("FLEXREC_CHIMERAX") or shutil.which("ChimeraX")
    if chimerax is None:
        raise SystemExit("There is no ChimeraX; put it on the PATH or name it in FLEXREC_CHIMERAX.")
    numbers = range(arguments.first, arguments.first + arguments.sequences)
    with tempfile.TemporaryDirectory(prefix="flexrec-fuzz-") as work:
        os.chmod(work, 0o777)  # ChimeraX may be another user's
        result = fuzz([*SCREEN, chimerax], Path(work), numbers, arguments.actions, arguments.seed)
        stuck = Path(work) / "stuck.txt"
        if result.hangs and stuck.is_file():
            print(stuck.read_text()[-4000:])
    print(f"\n{result.sequences} sequences, {sum(result.actions.values())} actions in {result.seconds:.0f} s")
    print(f"failures: {len(result.failures)}, of which ChimeraX ended: {result.ends}, hung: {result.hangs}")
    for number, text in result.failures:
        print(f"  seed {arguments.seed}, sequence {number}: {text.splitlines()[0]}")
    print("\nwhat commands answered that could not be done:")
    for sentence, count in result.refused.most_common(60):
        print(f"{count:5d}  {sentence}")
    raise SystemExit(bool(result.failures))


if __name__ == "__main__":
    main()
