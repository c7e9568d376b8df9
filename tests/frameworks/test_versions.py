"""The oldest version of FastAPI that is supported; all other tests run with the newest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT
from tests.support.requirements import missing

OLDEST = "0.115.10"
"""The first that takes the oldest Starlette that is supported."""

SUITES = [
    "tests/frameworks/test_fastapi.py",
    "tests/frameworks/test_fastapi_errors.py",
    "tests/events/dependencies",
]


@pytest.fixture(scope="module")
def old_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with old versions, which go before the installed ones."""
    folder = tmp_path_factory.mktemp("old")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    packages = [f"fastapi=={OLDEST}", "starlette==0.46.0"]
    command = [*pip, "--no-deps", "--target", str(folder), *packages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        missing(f"FastAPI {OLDEST} cannot be installed: {done.stderr[-500:]}")
    return folder


def test_the_documentation_names_it() -> None:
    for page in ("docs/frameworks/fastapi.md", "docs/compatibility.md"):
        assert f"FastAPI {OLDEST}" in (ROOT / page).read_text("utf-8")


@pytest.mark.timeout(240)
def test_the_oldest_version(old_packages: Path) -> None:
    # Its warnings are about the packages around it, which are newer.
    command = [sys.executable, "-W", "ignore", "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    options = ["-W", "ignore", "-p", "no:xdist", *SUITES]
    check = f"import fastapi; assert fastapi.__version__ == {OLDEST!r}"
    environment = {**os.environ, "PYTHONPATH": str(old_packages)}
    for arguments in ([sys.executable, "-c", check], [*command, *options]):
        done = subprocess.run(
            arguments,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
