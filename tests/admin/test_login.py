"""Who comes in: passwords, sessions, and the limits of attempts."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.admin import MemorySessionStore, SessionStore, instrument
from socketio_asgi.admin.login_limits import (
    ALL_ATTEMPT_SECONDS,
    ALL_ATTEMPTS,
    ATTEMPT_SECONDS,
    ATTEMPTS,
    MAX_ADDRESSES,
    LoginLimits,
)

from .conftest import Connect, OpenPage
from .support import AUTH, PASSWORD, RIGHT

pytestmark = pytest.mark.runtime

INVALID = {"message": "invalid credentials"}
TOO_MANY = {"message": "too many log-ins, try again in a minute"}

WRONG: tuple[Any, ...] = (
    {"username": "admin", "password": "changeit "},
    {"username": "Admin", "password": PASSWORD},
    {"username": "admin", "password": ""},
    {"username": "", "password": PASSWORD},
    {"username": "admin", "password": "x\x00"},
)
NO_ATTEMPTS: tuple[Any, ...] = (
    None,
    {},
    {"username": "admin"},
    {"sessionId": ""},
    {"sessionId": None},
    {"sessionId": ["a"]},
    {"username": "admin", "password": [PASSWORD]},
    {"username": {"a": 1}, "password": PASSWORD},
    {"username": "admin", "password": "x" * 2000},
)


def guarded(**options: Any) -> Server:
    io = Server()
    instrument(io, auth=AUTH, **options)
    return io


async def test_a_session_spares_the_password(connect: Connect, open_page: OpenPage) -> None:
    io = guarded()
    page = await open_page(io, RIGHT)
    (session,) = await page.wait_for("session")
    assert len(session) == 32
    assert page.log[-1] == ["session", session]
    again = await open_page(io, {"sessionId": session})
    await again.begin()
    assert again.seen("session") == []
    other = await connect(io, namespace="/admin")
    assert await other.refused(auth={"sessionId": session[:-1] + "x"}) == INVALID


@pytest.mark.parametrize("auth", WRONG)
async def test_wrong_passwords(connect: Connect, auth: Any) -> None:
    peer = await connect(guarded(), namespace="/admin")
    assert await peer.refused(auth=auth) == INVALID


async def test_what_is_no_attempt_is_refused_and_costs_nothing(connect: Connect) -> None:
    peer = await connect(guarded(), namespace="/admin")
    for auth in NO_ATTEMPTS * 2:
        assert await peer.refused(auth=auth) == INVALID
    await peer.join(auth=RIGHT)


async def test_too_many_attempts(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "socketio_asgi.admin")
    io = guarded()
    peer = await connect(io, namespace="/admin")
    for _ in range(ATTEMPTS):
        assert await peer.refused(auth=WRONG[0]) == INVALID
    assert await peer.refused(auth=WRONG[0]) == TOO_MANY
    assert await peer.refused(auth=RIGHT) == TOO_MANY  # the right one as well
    assert await peer.refused(auth={"sessionId": "a"}) == TOO_MANY
    other = await connect(io, namespace="/admin")
    assert await other.refused(auth=RIGHT) == TOO_MANY
    assert caplog.text.count("wrong name or password") == ATTEMPTS
    assert "changeit" not in caplog.text


async def test_made_up_sessions_are_attempts(connect: Connect) -> None:
    peer = await connect(guarded(), namespace="/admin")
    for number in range(ATTEMPTS):
        assert await peer.refused(auth={"sessionId": f"{number}"}) == INVALID
    assert await peer.refused(auth={"sessionId": "x"}) == TOO_MANY


async def test_success_is_no_attempt(open_page: OpenPage) -> None:
    io = guarded()
    for _ in range(ATTEMPTS + 2):
        page = await open_page(io, RIGHT)
        await page.wait_for("session")


class Broken(SessionStore):
    async def exists(self, session_id: str) -> bool:
        raise OSError("away")

    async def save(self, session_id: str) -> None:
        raise OSError("away")


class Careless(SessionStore):
    async def exists(self, session_id: str) -> bool:
        return "no"  # type: ignore[return-value]

    async def save(self, session_id: str) -> None: ...


async def test_a_store_that_is_away(
    connect: Connect, open_page: OpenPage, caplog: pytest.LogCaptureFixture
) -> None:
    io = guarded(store=Broken())
    peer = await connect(io, namespace="/admin")
    assert await peer.refused(auth={"sessionId": "a"}) == INVALID
    page = await open_page(io, RIGHT)
    await page.begin()
    assert "the sessions of the admin UI cannot be reached" in caplog.text


async def test_only_true_is_a_session(connect: Connect) -> None:
    peer = await connect(guarded(store=Careless()), namespace="/admin")
    assert await peer.refused(auth={"sessionId": "a"}) == INVALID


async def test_sessions_in_memory_are_bounded() -> None:
    store = MemorySessionStore(max_sessions=2)
    for session in ("a", "b", "c"):
        await store.save(session)
    assert [await store.exists(session) for session in ("a", "b", "c")] == [False, True, True]
    short = MemorySessionStore(session_duration=1e-9)
    await short.save("a")
    assert not await short.exists("a")
    assert len(short) == 0


async def test_nothing_of_the_application_holds(open_page: OpenPage) -> None:
    io = Server(connection_state_recovery=True)

    @io.event_middleware
    async def refuse(context: Any, call_next: Any) -> Any:
        raise AssertionError

    @io.catch_all
    async def taken(socket: Any, event: str, *args: Any) -> None:
        raise AssertionError

    instrument(io, auth=False)
    page = await open_page(io)
    await page.begin()
    await page.command("emit", "/admin", None, "seen")
    await page.wait_for("seen")
    assert io.namespaces["/admin"].adapter.log is None


# -- the limits by themselves --------------------------------------------------------------------


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempts(limits: LoginLimits, address: str, count: int) -> int:
    return sum(limits.take(address) for _ in range(count))


def test_attempts_come_back() -> None:
    limits = LoginLimits(time := Time())
    assert attempts(limits, "10.0.0.1", ATTEMPTS + 3) == ATTEMPTS
    time.now += ATTEMPT_SECONDS * 2 + 0.1
    assert attempts(limits, "10.0.0.1", ATTEMPTS) == 2
    time.now += 10_000
    assert attempts(limits, "10.0.0.1", ATTEMPTS + 3) == ATTEMPTS


def test_all_addresses_together() -> None:
    limits = LoginLimits(time := Time())
    taken = [attempts(limits, f"10.0.0.{number}", 1) for number in range(ALL_ATTEMPTS + 5)]
    assert sum(taken) == ALL_ATTEMPTS
    time.now += ALL_ATTEMPT_SECONDS + 0.1
    assert attempts(limits, "10.0.1.1", 2) == 1
    assert limits.take("10.0.1.2", of_all=False)  # a session is no guess of a password


def test_a_network_of_one_person_is_one_address() -> None:
    limits = LoginLimits(Time())
    taken = [attempts(limits, f"2001:db8::{number}", 1) for number in range(1, ATTEMPTS + 4)]
    assert sum(taken) == ATTEMPTS
    assert attempts(limits, "2001:db8:0:1::1", 1) == 1
    assert attempts(limits, "10.0.0.1", ATTEMPTS) == ATTEMPTS
    assert attempts(limits, "::ffff:10.0.0.1", 1) == 0


def test_addresses_are_bounded() -> None:
    limits = LoginLimits(Time())
    for number in range(MAX_ADDRESSES + 100):
        limits.take(f"address {number}", of_all=False)
    assert len(limits._by_address) == MAX_ADDRESSES
