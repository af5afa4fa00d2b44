"""A stand-in for Slurm's programs, called by the name of one: it runs batch scripts for real, each in a session.

Its memory is the folder SBATCH_STANDIN: a file ``N.pid`` per job; while a file ``hold`` is there no job begins, and
what stands in a file ``refuse`` is why sbatch refuses.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

MEMORY = Path(os.environ.get("SBATCH_STANDIN", "."))
NAMES = ("sbatch", "srun", "squeue", "sacct", "scancel")


def install(folder: Path) -> None:
    folder.mkdir()
    for name in NAMES:
        program = folder / name
        program.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
                           f"import standin_slurm\nsys.exit(standin_slurm.{name}(sys.argv[1:]))\n")  # fmt: skip
        program.chmod(0o755)


def sbatch(words: list[str]) -> int:
    if (MEMORY / "refuse").exists():
        print(f"sbatch: error: {(MEMORY / 'refuse').read_text()}", file=sys.stderr)
        return 1
    assert words[0] == "--parsable" and "SLURM_CPUS_PER_TASK" not in os.environ
    number = len(list(MEMORY.glob("*.pid"))) + 1
    (MEMORY / f"{number}.words").write_text("\n".join(words))
    output = re.search(r"--output=(\S+)", Path(words[-1]).read_text())[1]
    command = [sys.executable, __file__, str(number), *words[1:]]
    with open(output, "ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            env=os.environ | {"SLURM_JOB_ID": str(number), "SLURM_NODEID": "0"} | _nodes(Path(words[-1]).read_text()),
        )  # fmt: skip
    (MEMORY / f"{number}.pid").write_text(str(process.pid))
    print(number)
    return 0


def _nodes(script: str) -> dict[str, str]:
    wanted = re.search(r"--nodes=(\d+)", script)
    return {"SLURM_JOB_NUM_NODES": wanted[1]} if wanted else {}


def _begin(number: str, words: list[str]) -> None:
    """A job's own process: it waits for its turn and runs the script; its end is kept for those that wait for it."""
    after = re.findall(r"\d+", words[0]) if len(words) > 1 else []
    while (MEMORY / "hold").exists() or any(_lives(other) for other in after):
        time.sleep(0.02)
    if not all((MEMORY / f"{other}.well").exists() for other in after):
        assert "--kill-on-invalid-dep=yes" in words
        return
    (MEMORY / f"{number}.began").touch()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is for the script, which is of this session too
    if subprocess.run(["/bin/bash", words[-1]], preexec_fn=_default_signal).returncode == 0:
        (MEMORY / f"{number}.well").touch()


def _default_signal() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def srun(words: list[str]) -> int:
    """A task for every node, all on this computer; one that fails ends the others."""
    options, task = words[: words.index(sys.executable)], words[words.index(sys.executable) :]
    assert "--ntasks-per-node=1" in options and "--kill-on-bad-exit=1" in options
    nodes = int(re.search(r"--nodes=(\d+)", " ".join(options))[1])
    tasks = [subprocess.Popen(task) for _ in range(nodes)]
    while any(task.poll() is None for task in tasks):
        if any(task.poll() for task in tasks):
            for task in tasks:
                task.kill()
        time.sleep(0.05)
    return max(abs(task.returncode) for task in tasks)


def _lives(number: str) -> bool:
    pid = int((MEMORY / f"{number}.pid").read_text())
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _chosen(words: list[str]) -> str:
    return re.sub(r"\D", "", words[-1])


def squeue(words: list[str]) -> int:
    if not _lives(_chosen(words)):
        print("slurm_load_jobs error: Invalid job id specified", file=sys.stderr)
        return 1
    print("RUNNING" if (MEMORY / f"{_chosen(words)}.began").exists() else "PENDING")
    return 0


def sacct(words: list[str]) -> int:
    if _lives(_chosen(words)):
        print("RUNNING")
    elif (MEMORY / "accounting").exists():
        print((MEMORY / "accounting").read_text())
    return 0


def scancel(words: list[str]) -> int:
    with open(MEMORY / "scancel", "a") as file:
        print(*words, file=file)
    if _lives(_chosen(words)):
        os.killpg(int((MEMORY / f"{_chosen(words)}.pid").read_text()), signal.SIGTERM)
    return 0


if __name__ == "__main__":
    _begin(sys.argv[1], sys.argv[2:])
