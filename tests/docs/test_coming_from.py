"""The pages for those who come from elsewhere: what they say of the other package, and of ours."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from tests.support.peer import join_peer, open_peer
from tests.support.requirements import require_module

from .snippets import ROOT, rows_of
from .test_pages import Serving, page, text_of

PYTHON = "coming-from/python-socketio"
NODE = "coming-from/node"
TABLES = ("Sending", "Rooms, sessions and clients", "Handlers", "The application")


@pytest.mark.parametrize("name", [PYTHON, NODE])
async def test_the_example(serving: Serving, name: str) -> None:
    served = await serving(page(name)["io"])
    async with open_peer(served.url) as stranger:
        assert await stranger.refused() == {"message": "not authorized"}
    auth = {"token": "s3cret"}
    async with (
        join_peer(served.url, auth=auth) as first,
        join_peer(served.url, auth=auth) as second,
    ):
        assert await first.request("message", "hello") == ["ok"]
        assert await second.expect("message") == ["hello"]


def rows() -> list[list[str]]:
    return [row for table in TABLES for row in rows_of(ROOT / "docs" / f"{PYTHON}.md", table)]


def test_their_methods_are_theirs() -> None:
    require_module("socketio")
    import socketio

    named = {name for row in rows() for name in re.findall(r"\bsio\.(\w+)", row[0])}
    assert len(named) > 15
    assert {name for name in named if not hasattr(socketio.AsyncServer(), name)} == set()
    every = named | {"leave_room", "save_session"}
    missing = {
        name
        for name in dir(socketio.AsyncServer)
        if not name.startswith("_") and inspect.isfunction(getattr(socketio.AsyncServer, name))
    } - every
    # Of no use to applications.
    assert missing == {"attach", "handle_request", "is_asyncio_based", "shutdown", "sleep"}


def test_our_methods_are_ours() -> None:
    io = Server()
    for row in rows():
        for name in re.findall(r"\bio\.(\w+)\(", row[1]):
            assert hasattr(io, name), name
        for name in re.findall(r"\bsocket\.(\w+)", row[1]):
            assert hasattr(Socket, name) or name in Socket.__annotations__, name


def make(**options: Any) -> Server:
    return Server(**options)


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        (PYTHON, lambda io: io.emit("event", room="news")),
        (PYTHON, lambda io: make(cors_allowed_origins="*")),
        (PYTHON, lambda io: io.enter_room),
        (NODE, lambda io: make(pingInterval=25000)),
    ],
)
def test_messages(name: str, mistake: Callable[[Any], object]) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        mistake(Server())
    assert f"{type(caught.value).__name__}: {caught.value}" in text_of(name).splitlines()
