"""What the kernel knows of a process and its children: processor time and memory (Linux)."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Memory(NamedTuple):
    """Memory of some processes, in KiB.

    Attributes:
        pss: The proportional set size: pages that several processes share count by parts.
        rss: The resident set size: shared pages count in each of the processes.
    """

    pss: int
    rss: int


def process_tree(pid: int) -> list[int]:
    """The process and all below it; those that have ended meanwhile are left out."""
    found = [pid]
    for parent in found:  # grows while it is read
        found.extend(_children(parent))
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in (PROC / str(pid) / "task").iterdir():
            children.extend(map(int, (task / "children").read_text().split()))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return children


def processor_seconds(pid: int) -> float:
    """User and system time of the process and all below it that live.

    ``/proc/PID/stat`` has the same sum in steps of 10 ms; the clock of the process has it in
    nanoseconds.
    """
    return sum(time.clock_gettime(_process_clock(each)) for each in process_tree(pid))


def _process_clock(pid: int) -> int:
    return (~pid << 3) | 2  # what clock_getcpuclockid(3) computes


def memory(pid: int) -> Memory:
    """Memory of the process and all below it."""
    pss = rss = 0
    for each in process_tree(pid):
        sizes = dict(_sizes((PROC / str(each) / "smaps_rollup").read_text()))
        pss += sizes["Pss"]
        rss += sizes["Rss"]
    return Memory(pss, rss)


def peak_memory(pid: int) -> int:
    """The most memory that the process has had resident so far, in KiB; without its children."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def log_size(pid: int) -> int:
    """The bytes of the file that the process writes its errors to."""
    return (PROC / str(pid) / "fd" / "2").stat().st_size


def _sizes(rollup: str) -> list[tuple[str, int]]:
    lines = (line.split() for line in rollup.splitlines()[1:])
    return [(words[0].rstrip(":"), int(words[1])) for words in lines]


def choose_cores() -> tuple[int, int]:
    """A core for the servers and one for the load; the same one twice if there is no other."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


def raise_file_limit() -> None:
    """Allow this process and its children as many open files as they may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
