"""Memory that this process may still take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
# limit, usage, and the part of the usage that is files kept for speed, which the system gives up when asked
_VERSION_2 = ("memory.max", "memory.current", "inactive_file")
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_memory() -> int:
    """Bytes that may still be taken, by the computer and by the limits of a cluster's job or a container."""
    import psutil

    return min([psutil.virtual_memory().available, *_limits()])


def _limits() -> Iterator[int]:
    """What is left below the limit of each control group of Linux that this process is in."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, own = rest.partition(":")
        if controllers in ("", "memory"):
            top = _GROUPS / controllers
            group = top / own.lstrip("/")
            for folder in (group, *group.parents):
                if folder.is_relative_to(top):
                    yield from _limit(folder, _VERSION_1 if controllers else _VERSION_2)


def _limit(folder: Path, names: tuple[str, str, str]) -> Iterator[int]:
    limit, usage, cache = names
    try:
        most, used = ((folder / name).read_text(encoding="ascii").strip() for name in (limit, usage))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        if most.isdecimal():
            yield max(0, int(most) - int(used) + int(stat.get(cache, 0)))
    except (OSError, ValueError):
        return
