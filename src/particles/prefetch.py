"""Work done ahead by threads, handed out in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 8


def in_order(make: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``make(item)`` of each item, in their order, made by threads that run one item each ahead (memory stays flat)."""
    with ThreadPoolExecutor(threads) as pool:
        pending: deque = deque()
        try:
            for item in items:
                pending.append(pool.submit(make, item))
                if len(pending) > threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def thread_share() -> int:
    """Threads that this process may read with: OMP_NUM_THREADS, or its share of the processors; 8 at most."""
    return max(1, min(_stated_threads() or processors() // processes_here(), MOST_THREADS))


def threads_here() -> int:
    """Threads that a job may compute with: OMP_NUM_THREADS, or all processors that it may use."""
    return _stated_threads() or processors()


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _stated_threads() -> int:
    """OMP_NUM_THREADS; 0 where it says nothing."""
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(given) if given.isdecimal() else 0


def processes_here() -> int:
    """Processes on this computer that work together, as each is told in the environment; 1 where nothing is."""
    count = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, int(count)) if count.isdecimal() else 1
