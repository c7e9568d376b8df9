"""A run of pytest as a process of its own, with our fixtures and plugins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
TIMEOUT = 150.0  # seconds; a few on a machine that has nothing else to do
takes_time = pytest.mark.timeout(TIMEOUT + 10)
"""The marker of tests that run pytest."""

ALL_FIXTURES = "from tests.conftest import *"
"""A ``conftest.py`` that makes them ours; it takes a second to import."""


class Run(NamedTuple):
    """What a run has come to."""

    code: int
    output: str

    @property
    def last(self) -> str:
        """The line with the numbers."""
        return self.output.splitlines()[-1]


def plugins(*names: str) -> str:
    """A ``conftest.py`` with some of our plugins alone."""
    return f"pytest_plugins = {[f'tests.support.{name}' for name in names]}"


def run_pytest(
    folder: Path, source: str, *options: str, conftest: str = ALL_FIXTURES, **env: str
) -> Run:
    """Write a file of tests and run it.

    Args:
        folder: Where the file is written, as ``test_it.py``.
        source: Its text, which may be indented.
        options: Options of pytest.
        conftest: The text of the ``conftest.py`` beside it.
        env: Variables of the environment, instead of those of this run under CI.
    """
    (folder / "conftest.py").write_text(conftest, encoding="utf-8")
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
