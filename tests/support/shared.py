"""What is made once for all test processes of a run, by the one that needs it first.

>>> def make(folder: Path) -> None: ...
>>> page = once_per_run(tmp_path_factory, "page", make)
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let one process at a time in; the system unlocks the file when the process is killed."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once_per_run(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """Return a folder that ``make`` has filled; if it fails, the next one who asks tries again."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the folder of a worker is in that of the run
        base = base.parent
    folder = base / f"shared-{name}"
    made = base / f"shared-{name}.made"
    with locked(base / f"shared-{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
