"""The lines of the log that clients cause by connecting again and again are few."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from socketio_asgi import ConnectionRefused, RefusedRequest, Server, Session, Socket
from socketio_asgi.runtime import log_limit
from socketio_asgi.server import Observer
from tests.support.waiting import until

from .conftest import Serving
from .support import Connect

FEW = 3


@pytest.fixture(autouse=True)
def few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = log_limit.limit_lines(logging.getLogger("socketio_asgi"), FEW)
    monkeypatch.setattr(log_limit, "_faults", limits)


def lines(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in record.getMessage() for record in caplog.records)


def left_out(caplog: pytest.LogCaptureFixture) -> int:
    return lines(caplog, "are left out for a while")


async def raise_something(*_: Any) -> Any:
    raise LookupError


async def raise_refusal(*_: Any) -> Any:
    raise ConnectionRefused("no")


async def return_nonsense(*_: Any) -> Any:
    return 5


async def refuse_with_nonsense(*_: Any) -> Any:
    raise ConnectionRefused("no", data=object())


def raise_at_once(*_: Any) -> Any:
    raise LookupError


class BadObserver(Observer):
    def socket_joined(self, socket: Socket) -> None:
        raise LookupError

    def session_opened(self, session: Session) -> None:
        raise LookupError

    def request_refused(self, refused: RefusedRequest) -> None:
        raise LookupError


def limit_clients(io: Server) -> None:
    io.__socketio__.clients_log = log_limit.limit_lines(logging.getLogger("socketio_asgi"), FEW)


Setup = Callable[[Server], object]

WHILE_JOINING: Mapping[str, tuple[Setup, str]] = {
    "middleware": (lambda io: io.use(raise_something), "raised; the client is refused"),
    "no decision": (lambda io: io.use(return_nonsense), "returns None to let through"),
    "refusal": (lambda io: io.use(refuse_with_nonsense), "the client cannot be told why"),
    "connection": (lambda io: io.on("connection")(raise_something), "raised"),
    "late refusal": (lambda io: io.on("connection")(raise_refusal), "raised ConnectionRefused"),
    "disconnecting": (lambda io: io.on("disconnecting")(raise_something), "raised"),
    "disconnect": (lambda io: io.on("disconnect")(raise_something), "raised"),
    "matcher": (lambda io: io.of(raise_something), "that decides about namespaces raised"),
    "middleware of sockets": (
        lambda io: io.on("connection")(lambda socket: socket.use(raise_something)),
        "refused an event",
    ),
    "listener of sockets": (
        lambda io: io.on("connection")(lambda socket: socket.on_any(raise_at_once)),
        "the listener raise_at_once",
    ),
    "parse error": (limit_clients, "closing the connection"),
}


@pytest.mark.parametrize("fault", WHILE_JOINING)
async def test_faults_while_clients_come_and_go(
    connect: Connect, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.INFO if fault == "parse error" else logging.WARNING)
    set_up, words = WHILE_JOINING[fault]
    io = Server()
    set_up(io)
    for _ in range(2 * FEW):
        peer = await connect(io)
        await peer.send("0/other," if fault == "matcher" else "0")
        await peer.receive()
        if fault == "parse error":
            await peer.send("?")
        await peer.send('2["event"]')
        await peer.close()
        await until(lambda: io.engine.clients_count == 0)
    await until(lambda: left_out(caplog))
    assert lines(caplog, words) == FEW
    assert left_out(caplog) == 1


async def test_observers(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    io = Server(observer=BadObserver())
    for _ in range(2 * FEW):
        peer = await connect(io)
        await peer.join()
    assert lines(caplog, "the observer raised in") == FEW
    assert lines(caplog, "> raised") == FEW  # of the session
    assert left_out(caplog) == 2


async def test_recovery(
    connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    io = Server(connection_state_recovery=True)
    log = io.sockets.adapter.log
    assert log is not None
    monkeypatch.setattr(log, "find", raise_something)
    for _ in range(2 * FEW):
        peer = await connect(io)
        await peer.join(auth={"pid": "some", "offset": "some"})
    assert lines(caplog, "a session cannot be restored") == FEW
    assert left_out(caplog) == 1


def not_awaited(*_: Any) -> Any:
    return raise_something()


REQUESTS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "allow_request": ({"allow_request": raise_something}, "allow_request raised; the request"),
    "no decision": ({"allow_request": return_nonsense}, "allow_request returned 5"),
    "generate_id": ({"generate_id": raise_something}, "generate_id raised"),
    "cors": ({"cors": raise_at_once}, "the cors function raised"),
    "asynchronous cors": ({"cors": not_awaited}, "the cors function is asynchronous"),
    "headers": ({}, "of 'initial_headers' raised"),
    "observer": ({"observer": BadObserver(), "transports": ["websocket"]}, "> raised"),
    "path": ({}, "no Socket.IO endpoint"),
}


@pytest.mark.parametrize("fault", REQUESTS)
async def test_faults_while_requests_are_answered(
    serving: Serving, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    options, words = REQUESTS[fault]
    io = Server(**options)
    if fault == "headers":
        io.engine.on("initial_headers")(raise_at_once)
    served = await serving(io)
    path = "/elsewhere/" if fault == "path" else "/socket.io/"
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(2 * FEW):
            await http.get(
                f"{served.url}{path}?EIO=4&transport=polling",
                headers={"Origin": "https://example.com"} if "cors" in fault else {},
            )
    assert lines(caplog, words) == FEW


async def test_another_fault_of_the_same_function_is_told(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.use
    async def middleware(socket: Socket) -> None:
        if "other" in socket.handshake.auth:
            raise LookupError("other")
        raise LookupError("usual")

    for _ in range(2 * FEW):
        await (await connect(io)).refused()
    assert caplog.text.count("LookupError: usual") == FEW
    await (await connect(io)).refused(auth={"other": 1})
    assert caplog.text.count("LookupError: other") == 1
