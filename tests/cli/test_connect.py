"""``socketio-asgi connect``: a client in the terminal, against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import PortReservation
from tests.support.processes import ServerProcess

from .support import run_many


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ServerProcess("uvicorn", "tests.client.application:io") as server:
        yield server.url


def connect(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "socketio_asgi", "connect", *arguments]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=50, check=False
    )


def test_events_both_ways(url: str) -> None:
    typed = 'echo? {"a": 1} "x"\nagain 1\n\nagain? {\nnever? 1\necho?\n'
    done = connect(url, "--timeout", "0.2", typed=typed)
    assert done.returncode == 0
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in shown if "ack" in line] == [{"ack": [{"a": 1}, "x"]}, {"ack": []}]
    # A server that can recover states puts the position of an event behind its values.
    assert ["again", 1] in [line[:2] for line in shown if isinstance(line, list)]
    assert "connected to / as " in done.stderr
    assert "this is no JSON: '{'" in done.stderr
    assert "'never' was not acknowledged within 0.2 seconds" in done.stderr
    assert "disconnected: io client disconnect" in done.stderr


def test_it_ends_after_some_events(url: str) -> None:
    done = connect(url, "--count", "2", "--transport", "websocket", typed="again 1\nagain 2 [3]\n")
    assert done.returncode == 0
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first[:2], second[:3]) == (["again", 1], ["again", 2, [3]])


def test_a_namespace_and_its_refusal(url: str) -> None:
    refused = connect(f"{url}/admin")
    assert refused.returncode == 1
    assert refused.stderr.endswith('/admin refuses: who are you? {"code": 42}\n')
    let_in = connect(f"{url}/admin", "--auth", '{"token": "secret"}', typed="hello?\n")
    assert (let_in.returncode, let_in.stdout) == (0, '{"ack": ["admin"]}\n')


def test_nobody_is_there() -> None:
    with PortReservation() as reservation:
        done = connect(f"http://127.0.0.1:{reservation.port}")
    assert done.returncode == 1
    assert "nothing listens there" in done.stderr


MISTAKES = {
    "localhost:3000": "the url of a server is like",
    "http://localhost --header x": "--header takes NAME:VALUE",
    "http://localhost --auth {": "--auth is no JSON",
    "http://localhost --path ?": "path",
}


def test_mistakes(tmp_path: Path) -> None:
    done = run_many([["connect", *line.split()] for line in MISTAKES], tmp_path)
    for result, (line, message) in zip(done, MISTAKES.items(), strict=True):
        assert (result.returncode, result.stdout) == (2, ""), line
        assert message in result.stderr, line
