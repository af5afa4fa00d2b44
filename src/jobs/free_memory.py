"""How much memory a job may still take on this computer."""

from __future__ import annotations

from pathlib import Path

MARGIN = 0.1  # of the memory, left to all else


def free_memory() -> int:
    """Bytes that are available, of the computer and of the control group that the job was put in, less a margin."""
    import psutil

    memory = psutil.virtual_memory()
    available, total = memory.available, memory.total
    for limit, used in _group_limits():
        available, total = min(available, limit - used), min(total, limit)
    return max(0, int(available - MARGIN * total))


def _group_limits() -> list[tuple[int, int]]:
    """(limit, used) bytes of each control group around this process that has a limit (Linux; schedulers set them).

    Used is what cannot be given back: not the files that the system keeps in memory while there is room.
    """
    try:
        name = Path("/proc/self/cgroup").read_text().rpartition("0::")[2].strip().lstrip("/")
    except OSError:
        return []
    found, top = [], Path("/sys/fs/cgroup")
    for folder in [top / name, *(top / name).parents]:
        try:
            limit = (folder / "memory.max").read_text().strip()
            used = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if limit.isdecimal():
            found.append((int(limit), int(used.get("anon", 0)) + int(used.get("shmem", 0))))
    return found
