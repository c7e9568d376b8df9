"""A run of pytest as a process of its own, with the fixtures and plugins of all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
TIMEOUT = 50.0  # seconds


class Run(NamedTuple):
    """What a run has come to."""

    code: int
    output: str

    @property
    def last(self) -> str:
        """The line with the numbers."""
        return self.output.splitlines()[-1]


def run_pytest(folder: Path, source: str, *options: str, **env: str) -> Run:
    """Write a file of tests and run it.

    Args:
        folder: Where the file is written, as ``test_it.py``.
        source: Its text, which may be indented.
        options: Options of pytest.
        env: Variables of the environment, instead of those of this run under CI.
    """
    (folder / "conftest.py").write_text("from tests.conftest import *", encoding="utf-8")
    (folder / "test_it.py").write_text(dedent(source), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
        *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), *options, str(folder)),
    ]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**inherited, "CI": "", "UNSTABLE_FILE": "", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Run(done.returncode, done.stdout)
