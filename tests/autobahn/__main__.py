"""Run Autobahn's WebSocket test suite against our WebSocket protocol for uvicorn.

    python -m tests.autobahn [--ws CLASS] [--app NAME] [--cases PATTERN] [--python PATH]
                             [--environment FOLDER]

The suite (https://pypi.org/project/autobahntestsuite/) needs Python 2.7, which is looked for on
PATH and below ~/.pyenv; it is installed into a virtual environment that is thrown away afterwards,
unless ``--environment`` names a folder to keep it in. Its client sends good and bad frames to an
application that echoes: once on plain ASGI, once through the extension for direct callbacks.
``--ws websockets-sansio --app plain`` runs it against uvicorn's own class, to compare.

The cases 12 and 13 are left out: they test compression, which is not negotiated.

Prints how many cases behaved in which way, and each case that is not OK. Ends with status 1 when a
case failed, and 2 when the suite could not be run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.processes import OUR_CLASSES, ServerProcess

SUITE = "autobahntestsuite==0.8.2"
VIRTUALENV = "virtualenv<20.22"  # the last that makes environments for Python 2.7
PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
OURS = f"{OUR_CLASSES}:WebSocketProtocol"
APPS = ("plain", "attached")
COMPRESSION = ["12.*", "13.*"]
MAX_MESSAGE = "16777216"  # bytes; the largest message of the suite
INSTALL_SECONDS = 300
RUN_SECONDS = 300

GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
"""The results that the suite itself does not count as failures."""


class SuiteError(Exception):
    """The suite could not be run."""


def call(command: Sequence[str | Path], seconds: float, **environment: str) -> str:
    """Run a command to its end; returns what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "VIRTUALENV_NO_PERIODIC_UPDATE": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise SuiteError(f"{Path(command[0]).name} failed:\n{done.stdout.strip()}")
    return done.stdout


def find_python() -> Path:
    """Return a Python 2.7."""
    on_path = shutil.which("python2.7")
    candidates = sorted((Path.home() / ".pyenv" / "versions").glob("2.7*/bin/python"))
    for candidate in [*candidates, *([Path(on_path)] if on_path else [])]:
        with contextlib.suppress(SuiteError):  # a shim of pyenv, without the version behind it
            if "2.7" in call([candidate, "--version"], seconds=10):
                return candidate
    raise SuiteError("there is no Python 2.7, which the suite needs (see --python)")


def install(python: Path, environment: Path) -> Path:
    """Install the suite into an environment of its own, unless it is there; returns its command."""
    command = environment / "bin" / "wstest"
    if not command.exists():
        with tempfile.TemporaryDirectory() as tool:
            call([python, *PIP_INSTALL, "--target", tool, VIRTUALENV], INSTALL_SECONDS)
            call([python, "-m", "virtualenv", environment], INSTALL_SECONDS, PYTHONPATH=tool)
        call([environment / "bin" / "python", *PIP_INSTALL, SUITE], INSTALL_SECONDS)
    return command


def run(wstest: Path, app: str, ws: str, cases: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Run the cases against a server of their own; returns what the suite reports of each."""
    options = ["--ws", ws, "--ws-max-size", MAX_MESSAGE, "--log-level", "warning"]
    server = ServerProcess("uvicorn", f"tests.autobahn.apps:{app}", options=options)
    # The server's output goes where it does not get between the results.
    with contextlib.redirect_stdout(sys.stderr), server, tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.json"
        spec.write_text(json.dumps(specification(server.ws_url, cases, folder)))
        output = call([wstest, "--mode", "fuzzingclient", "--spec", spec], RUN_SECONDS)
        report = Path(folder) / "index.json"
        if not report.exists():
            raise SuiteError(f"the suite wrote no report:\n{output}")
        results: dict[str, dict[str, Any]] = json.loads(report.read_text())["server"]
    return results


def specification(url: str, cases: Sequence[str], folder: str) -> dict[str, Any]:
    """The instructions for the suite."""
    return {
        "outdir": folder,
        "servers": [{"agent": "server", "url": url}],
        "cases": list(cases),
        "exclude-cases": COMPRESSION,
        "exclude-agent-cases": {},
    }


def show(title: str, results: dict[str, dict[str, Any]]) -> bool:
    """Print the results of a run; returns whether nothing failed."""
    counts = Counter(result["behavior"] for result in results.values())
    listed = ", ".join(f"{count} {behavior}" for behavior, count in sorted(counts.items()))
    lines = [f"{title}: {listed}; 12.* and 13.* (compression) left out"]
    lines += [f"  {line}" for line in unusual(results)]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()
    behaviors = {
        result[key] for result in results.values() for key in ("behavior", "behaviorClose")
    }
    return bool(results) and behaviors <= GOOD


def unusual(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Describe the cases that are not simply right."""
    for case in sorted(results, key=lambda name: [int(part) for part in name.split(".")]):
        behavior, close = results[case]["behavior"], results[case]["behaviorClose"]
        code = results[case]["remoteCloseCode"]
        if behavior not in {"OK", "INFORMATIONAL"} or close not in {"OK", "INFORMATIONAL"}:
            yield f"{case}: {behavior}; its closing: {close}, with code {code}"


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn")
    parser.description = (__doc__ or "").partition("\n")[0]
    parser.add_argument("--ws", default=OURS, help="what uvicorn's --ws gets")
    parser.add_argument("--app", choices=APPS, action="append", help="one of the applications only")
    parser.add_argument("--cases", action="append", help="for example 6.*; all are the default")
    parser.add_argument("--python", type=Path, help="a Python 2.7")
    parser.add_argument("--environment", type=Path, help="a folder that keeps the suite")
    options = parser.parse_args()
    passed = True
    try:
        with tempfile.TemporaryDirectory() as temporary:
            environment = (options.environment or Path(temporary)).resolve()
            wstest = install(options.python or find_python(), environment)
            for app in options.app or APPS:
                passed &= show(app, run(wstest, app, options.ws, options.cases or ["*"]))
    except (SuiteError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
