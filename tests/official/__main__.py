"""Run the official protocol test suites against servers of this checkout.

    python -m tests.official FOLDER [--server NAME] [--repeat COUNT]

FOLDER is the folder ``docs`` of a checkout of https://github.com/socketio/socket.io, with the
suites in ``engine.io-protocol/v4-test-suite``, ``engine.io-protocol/v3-test-suite`` and
``socket.io-protocol/v5-test-suite``. They are copied to a temporary folder, where their npm
packages are installed and their server's URL is replaced; FOLDER itself stays as it is. Needs Node
and npm.

Prints for each suite how many of its tests passed, failed and were left out by the suite itself,
and what the failures say; the servers' output goes to stderr. Ends with status 1 when there was a
failure, and 2 when the suites could not be run.

Some tests race, also against the official server: the suite of revision 3 does not see a WebSocket
message that comes together with the handshake, and others rely on the order in which requests on
two connections are served. So a test that fails is run again, at most three times; what passed only
then is counted beside the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.processes import SERVER_NAMES, ServerProcess

INSTALL_SECONDS = 300
RUN_SECONDS = 120
RETRIES = "3"
URL_LINE = re.compile(r'^const URL = ".*";$', re.MULTILINE)


class Suite(NamedTuple):
    """One suite.

    Attributes:
        folder: Where it is below the official ``docs``.
        app: The name in :mod:`tests.official.apps` that it talks to.
    """

    folder: str
    app: str


SUITES = (
    Suite("engine.io-protocol/v4-test-suite", "engine4"),
    Suite("engine.io-protocol/v3-test-suite", "engine3"),
    Suite("socket.io-protocol/v5-test-suite", "socketio5"),
)


class SuiteError(Exception):
    """A suite could not be run."""


def prepare(suite: Suite, docs: Path, target: Path) -> Path:
    """Copy a suite and install its packages; returns the copy."""
    source, copy = docs / suite.folder, target / suite.folder
    if not (source / "test-suite.js").is_file():
        raise SuiteError(f"there is no test-suite.js in {source}")
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules"))
    npm = shutil.which("npm")
    if npm is None:
        raise SuiteError("npm is not installed")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    done = subprocess.run(
        command, cwd=copy, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode != 0:
        raise SuiteError(f"npm install failed for {suite.folder}: {done.stderr.strip()}")
    return copy


def point_to(copy: Path, url: str) -> None:
    """Let the copy of a suite talk to ``url``."""
    script = copy / "test-suite.js"
    text, count = URL_LINE.subn(f'const URL = "{url}";', script.read_text())
    if count != 1:
        raise SuiteError(f"{script.name} has no line 'const URL = ...' to replace")
    script.write_text(text)


def run(suite: Suite, copy: Path, server_name: str) -> dict[str, Any]:
    """Run a prepared suite against a server of its own; returns what mocha reports."""
    server = ServerProcess(server_name, f"tests.official.apps:{suite.app}")
    # The server's output goes where it does not get between the results.
    with contextlib.redirect_stdout(sys.stderr), server:
        point_to(copy, server.url)
        # Neither npx nor npm in between: ending it must end mocha.
        mocha = ["node", "node_modules/mocha/bin/mocha", "--exit", "--reporter", "json"]
        done = subprocess.run(
            [*mocha, "--retries", RETRIES, "test-suite.js"],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SuiteError(f"mocha failed: {done.stderr or done.stdout}") from None
    return report


def show(suite: Suite, report: dict[str, Any]) -> bool:
    """Print the result of a suite; returns whether nothing failed."""
    stats = report["stats"]
    counts = f"{stats['passes']} passed, {stats['failures']} failed, {stats['pending']} left out"
    lines = [f"{suite.folder}: {counts}"]
    retried = [test["fullTitle"] for test in report["passes"] if test["currentRetry"]]
    lines += [f"  passed when it was run again: {title}" for title in retried]
    for failure in report["failures"]:
        lines += [f"  {failure['fullTitle']}", f"    {failure['err'].get('message', '')}"]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()
    return bool(stats["passes"]) and not stats["failures"]


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.official")
    parser.description = (__doc__ or "").partition("\n")[0]
    parser.add_argument("folder", type=Path, help="the folder docs of the official repository")
    parser.add_argument("--server", choices=SERVER_NAMES, default="uvicorn")
    parser.add_argument("--repeat", type=int, default=1, help="how often each suite is run")
    options = parser.parse_args()
    passed = True
    try:
        with tempfile.TemporaryDirectory() as target:
            for suite in SUITES:
                copy = prepare(suite, options.folder, Path(target))
                for _ in range(options.repeat):
                    passed &= show(suite, run(suite, copy, options.server))
    except (SuiteError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
