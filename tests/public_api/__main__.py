"""Print the public API, or what happened to it; see :mod:`tests.public_api`."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from .compare import API, compare

ROOT = Path(__file__).parents[2]
DESCRIBE = Path(__file__).with_name("describe.py")


def api_of(folder: Path) -> API:
    """Describe the API of the package in a folder, in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"}  # the order of sets
    command = [sys.executable, "-P", str(DESCRIBE)]
    api: API = json.loads(subprocess.check_output(command, cwd=folder, env=env))
    return api


def api_at(repository: Path, revision: str) -> API:
    """Describe the API of another revision, which is checked out into a temporary folder."""
    archive = subprocess.check_output(["git", "archive", revision], cwd=repository)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        return api_of(Path(folder))


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.public_api")
    parser.add_argument("--against", metavar="REVISION", help="a commit, a branch or a tag of git")
    parser.add_argument("--repository", type=Path, default=ROOT)
    options = parser.parse_args()
    now = api_of(options.repository)
    if options.against is None:
        lines = [f"{name}: {text}" for name, text in sorted(now.items())]
    else:
        lines = list(compare(api_at(options.repository, options.against), now).lines())
    print("\n".join(lines))


if __name__ == "__main__":
    main()
