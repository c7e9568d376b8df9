"""Warnings of events that nothing takes."""

from __future__ import annotations

import pytest

from socketio_asgi.events.unknown import MAX_SHOWN_NAME, MAX_UNKNOWN_EVENTS, UnknownEvents


def test_the_nearest_name(caplog: pytest.LogCaptureFixture) -> None:
    unknown = UnknownEvents()
    for name in ("chat mesage", "Chat Message", "elsewhere"):
        unknown.warn(name, "/", ["chat message", "chat", "message"])
    assert [line.partition(" (")[0] for line in caplog.messages] == [
        "nothing takes the event 'chat mesage' in '/'; did you mean 'chat message'?",
        "nothing takes the event 'Chat Message' in '/'; did you mean 'chat message'?",
        "nothing takes the event 'elsewhere' in '/'",
    ]
    assert all("Server(warn_unknown_events=False)" in line for line in caplog.messages)


def test_each_name_once(caplog: pytest.LogCaptureFixture) -> None:
    unknown = UnknownEvents()
    for _ in range(3):
        unknown.warn("a", "/", [])
        unknown.warn("b", "/", [])
    assert len(caplog.messages) == 2


def test_names_that_clients_make_up(caplog: pytest.LogCaptureFixture) -> None:
    unknown = UnknownEvents()
    for number in range(2 * MAX_UNKNOWN_EVENTS):
        unknown.warn(str(number), "/", [])
    assert len(caplog.messages) == MAX_UNKNOWN_EVENTS


def test_what_a_name_may_do_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    UnknownEvents().warn("\r\n\x1b[2J\ud800" + "x" * 1_000_000, "/" + "y" * 1000, ["known"])
    (line,) = caplog.messages
    assert line.isprintable()
    assert "\\r\\n\\x1b[2J\\ud800xxx" in line
    assert len(line) < 2 * MAX_SHOWN_NAME + 200
