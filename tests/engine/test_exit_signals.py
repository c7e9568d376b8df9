"""Handlers in front of the ASGI server's own, in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

HEAD = """
import os, signal, threading
from socketio_asgi.engine.exit_signals import ExitSignals

log = []

def earlier(number, frame):
    log.append("earlier")

def kill():
    os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, earlier)
signals = ExitSignals(lambda: log.append("ours"))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        # In front of what was there, and gone after restore().
        """
        signals.install(); kill()
        assert log == ["ours", "earlier"], log
        signals.restore(); kill()
        assert log == ["ours", "earlier", "earlier"], log
        assert signal.getsignal(signal.SIGTERM) is earlier
        """,
        # Installed twice, called once; restored twice, nothing happens.
        """
        signals.install(); signals.install(); kill()
        assert log == ["ours", "earlier"], log
        signals.restore(); signals.restore()
        assert signal.getsignal(signal.SIGTERM) is earlier
        """,
        # What others chain later goes on working, and reaches both.
        """
        signals.install()
        below = signal.getsignal(signal.SIGTERM)
        def later(number, frame):
            log.append("later")
            below(number, frame)
        signal.signal(signal.SIGTERM, later)
        kill()
        assert log == ["later", "ours", "earlier"], log
        signals.restore(); kill()
        assert log[3:] == ["later", "earlier"], log
        """,
        # Replaced by somebody who does not chain, and installed again.
        """
        signals.install()
        signal.signal(signal.SIGTERM, lambda number, frame: log.append("replacement"))
        signals.install(); kill()
        assert log == ["ours", "replacement"], log
        """,
        # Two servers in one process, ended in either order.
        """
        other = ExitSignals(lambda: log.append("other"))
        signals.install(); other.install(); kill()
        assert log == ["other", "ours", "earlier"], log
        signals.restore(); kill()
        assert log[3:] == ["other", "earlier"], log
        other.restore(); kill()
        assert log[5:] == ["earlier"], log
        """,
        # Two servers that chain again and again: a signal reaches everybody once.
        """
        other = ExitSignals(lambda: log.append("other"))
        for _ in range(3):
            signals.install(); other.install()
        kill()
        assert log == ["other", "ours", "earlier"], log
        """,
        # Handlers belong to the main thread; elsewhere nothing is done.
        """
        thread = threading.Thread(target=signals.install)
        thread.start(); thread.join()
        assert signal.getsignal(signal.SIGTERM) is earlier
        """,
        # Who ignores a signal goes on ignoring it.
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signals.install(); kill()
        assert log == [], log
        """,
    ],
)
def test_chain(code: str) -> None:
    result = run(code)
    assert result.returncode == 0, result.stderr


def test_default_handler_ends_the_process() -> None:
    result = run(
        """
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ExitSignals(lambda: print("told", flush=True)).install()
        kill()
        """
    )
    assert (result.returncode, result.stdout) == (-signal.SIGTERM, "told\n")


def test_interrupt_still_raises() -> None:
    result = run(
        """
        # A shell lets what it runs in the background ignore SIGINT.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signals.install()
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print(log)
        """
    )
    assert result.stdout == "['ours']\n", result.stderr
