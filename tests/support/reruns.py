"""A plugin of pytest: a test that fails runs again, alone, when all others have ended.

If it passes then, it is unstable and not broken, and the run does not fail for it; it is listed in
the last lines of the run, and in the file that ``UNSTABLE_FILE`` names in the environment. So it is
with ``CI=true`` or the option ``--rerun-failed``; everywhere else a failure is a failure. Unstable
tests that are known stand in ``tests/unstable.txt``, each with its reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from .backends import ALL_BACKENDS
from .requirements import in_ci

OPTION: Final = "--rerun-failed"
MOST: Final = 20
"""So many tests do not fail because a machine is busy: they are not run again."""

TIMEOUT: Final = 300.0  # seconds; a test that hangs ends before, with its process
KNOWN: Final = Path(__file__).parents[1] / "unstable.txt"


class Known(NamedTuple):
    """A line of ``tests/unstable.txt``."""

    test: str
    reason: str

    def matches(self, nodeid: str) -> bool:
        """Tell whether a test is meant, with whatever parameters."""
        return nodeid.partition("[")[0] == self.test


def known_tests(text: str) -> Iterator[Known]:
    """Read the list: ``TEST: REASON`` in each line; a test is named without its parameters.

    Raises:
        ValueError: a line has another form.
    """
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = re.fullmatch(r"(tests/\S+\.py(?:::\w+)+): (\S.*)", line)
        if found is None:
            raise ValueError(f"not 'TEST: REASON': {line!r}")
        yield Known(*found.groups())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION,
        action="store_true",
        default=in_ci(),
        help="run failed tests again, alone, at the end (with CI=true it is always done)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(OPTION) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reruns(config))


class Reruns:
    """Runs failed tests again when a session ends, and reports those that pass then."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._unstable: dict[str, pytest.TestReport] = {}

    @property
    def _reporter(self) -> Any:
        return self._config.pluginmanager.getplugin("terminalreporter")

    # The last one: by then the workers of pytest-xdist have ended.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        stopped = session.shouldfail or session.shouldstop
        if session.exitstatus != pytest.ExitCode.TESTS_FAILED or stopped:
            return
        failed = self._failed()
        if failed and len(failed) <= MOST:
            self._run_again(failed)
            if not self._reporter.stats.keys() & {"failed", "error"}:
                session.exitstatus = pytest.ExitCode.OK

    def _failed(self) -> dict[str, pytest.TestReport]:
        """The failed tests; none when the run failed for something else as well."""
        stats = self._reporter.stats
        reports = [*stats.get("failed", ()), *stats.get("error", ())]
        if any(not isinstance(report, pytest.TestReport) for report in reports):
            return {}
        return {report.nodeid: report for report in reversed(reports)}

    def _run_again(self, failed: dict[str, pytest.TestReport]) -> None:
        self._reporter.ensure_newline()
        self._reporter.write_sep("=", "failed tests again, alone")
        for nodeid, report in failed.items():
            passed, output = self._passes(nodeid)
            self._reporter.write_line(f"{nodeid} {'passed' if passed else 'FAILED again'}")
            if passed:
                self._unstable[nodeid] = report
                self._forget(nodeid)
            else:
                report.sections.append(("Second run, alone", output))

    def _passes(self, nodeid: str) -> tuple[bool, str]:
        options = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", f"no:{__name__}"]
        if self._config.pluginmanager.hasplugin("xdist"):
            options += ["-n", "0"]
        if self._config.getoption(ALL_BACKENDS, default=False):
            options.append(ALL_BACKENDS)
        if self._config.inipath is not None:
            options += ["-c", str(self._config.inipath)]
        root = self._config.rootpath
        command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(root), nodeid]
        try:
            done = subprocess.run(
                command, cwd=root, text=True, capture_output=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return False, f"it took more than {TIMEOUT} s"
        output = done.stdout + done.stderr
        # A test that is skipped now has not passed.
        return done.returncode == 0 and re.search(r"\b[1-9]\d* passed", output) is not None, output

    def _forget(self, nodeid: str) -> None:
        stats = self._reporter.stats
        for category in ("failed", "error"):
            kept = [report for report in stats.get(category, ()) if report.nodeid != nodeid]
            stats.pop(category, None)
            if kept:
                stats[category] = kept
        stats.setdefault("unstable", []).append(self._unstable[nodeid])

    def pytest_terminal_summary(self) -> None:
        """Show the first failure of each unstable test, and then their names."""
        if not self._unstable:
            return
        for nodeid, report in self._unstable.items():
            self._reporter.write_sep("_", f"first run of {nodeid}")
            self._reporter.write_line(report.longreprtext)
        known = list(known_tests(KNOWN.read_text("utf-8")))
        lines = [_line(nodeid, known) for nodeid in self._unstable]
        self._reporter.write_sep("=", "unstable: failed, and passed alone", yellow=True)
        for line in lines:
            self._reporter.write_line(line, yellow=True)
        if path := os.environ.get("UNSTABLE_FILE"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)


def _line(nodeid: str, known: list[Known]) -> str:
    for entry in known:
        if entry.matches(nodeid):
            return f"{nodeid} (known: {entry.reason})"
    return f"{nodeid} !!! NOT IN tests/{KNOWN.name}: mend it, or explain it there"
