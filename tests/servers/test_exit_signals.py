"""Signal handlers are chained and given back, in any order, and Ctrl-C stays what it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from socketio_asgi.engine.exit_signals import ExitSignals
from tests.support.processes import ROOT

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Recorder:
    """A signal handler, or what is called back, that notes its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *_: object) -> None:
        self.calls += 1


@pytest.fixture(autouse=True)
def server_handler() -> Iterator[Recorder]:
    """What the ASGI server has installed for both signals."""
    recorder = Recorder()
    earlier = {number: signal.signal(number, recorder) for number in SIGNALS}
    yield recorder
    for number, handler in earlier.items():
        signal.signal(number, handler)


def handler_of(number: signal.Signals) -> object:
    return signal.getsignal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_both_are_told(number: signal.Signals, server_handler: Recorder) -> None:
    ours = Recorder()
    exit_signals = ExitSignals(ours)
    exit_signals.install()
    exit_signals.install()
    signal.raise_signal(number)
    assert (ours.calls, server_handler.calls) == (1, 1)
    exit_signals.restore()
    assert handler_of(number) is server_handler
    signal.raise_signal(number)
    assert (ours.calls, server_handler.calls) == (1, 2)


def test_two_that_install_again_and_again(server_handler: Recorder) -> None:
    first, second = Recorder(), Recorder()
    both = ExitSignals(first), ExitSignals(second)
    for exit_signals in both * 3:
        exit_signals.install()
    signal.raise_signal(signal.SIGTERM)
    assert (first.calls, second.calls, server_handler.calls) == (1, 1, 1)
    for exit_signals in both:
        exit_signals.restore()
    signal.raise_signal(signal.SIGTERM)
    assert (first.calls, second.calls, server_handler.calls) == (1, 1, 2)


def test_a_handler_that_was_built_on_ours(server_handler: Recorder) -> None:
    ours, theirs = Recorder(), Recorder()
    exit_signals = ExitSignals(ours)
    exit_signals.install()
    earlier: Any = signal.getsignal(signal.SIGTERM)

    def handler(number: int, frame: FrameType | None) -> None:
        theirs()
        earlier(number, frame)

    signal.signal(signal.SIGTERM, handler)
    exit_signals.restore()
    assert signal.getsignal(signal.SIGTERM) is handler
    signal.raise_signal(signal.SIGTERM)
    assert (ours.calls, theirs.calls, server_handler.calls) == (0, 1, 1)


def test_a_handler_that_replaced_ours(server_handler: Recorder) -> None:
    ours, replacement = Recorder(), Recorder()
    exit_signals = ExitSignals(ours)
    exit_signals.install()
    signal.signal(signal.SIGTERM, replacement)
    exit_signals.install()
    signal.raise_signal(signal.SIGTERM)
    assert (ours.calls, replacement.calls, server_handler.calls) == (1, 1, 0)
    exit_signals.restore()
    assert signal.getsignal(signal.SIGTERM) is replacement


def test_ctrl_c_stays_a_keyboard_interrupt() -> None:
    ours = Recorder()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    exit_signals = ExitSignals(ours)
    exit_signals.install()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert ours.calls == 1


def test_an_ignored_signal_stays_ignored() -> None:
    ours = Recorder()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_signals = ExitSignals(ours)
    exit_signals.install()
    signal.raise_signal(signal.SIGINT)
    assert ours.calls == 0
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_touch_no_handlers(server_handler: Recorder) -> None:
    thread = threading.Thread(target=ExitSignals(Recorder()).install)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is server_handler


DEFAULT = """
import signal
from socketio_asgi.engine.exit_signals import ExitSignals
ExitSignals(lambda: print("told", flush=True)).install()
signal.raise_signal(signal.SIGTERM)
"""


def test_the_default_handler_ends_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DEFAULT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"told\n")
