"""What is made beside a server, and how a broadcast is chosen, with values that make no sense."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette

from socketio_asgi import ConnectionRefused, RequestRefused, Server, SocketIOMiddleware
from socketio_asgi.adapters.cluster import ClusterAdapter
from socketio_asgi.integrations.starlette import SocketIOMount, mount
from socketio_asgi.protocol import DefaultParser
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.support.backends import on_asyncio


async def asynchronous(_: Any) -> Any: ...


async def app(*_: Any) -> None: ...


io = Server()

WRONG: list[tuple[Callable[..., Any], dict[str, Any], type[Exception], str]] = [
    (DefaultParser, {"default": 5}, TypeError, "default must be a function such as"),
    (DefaultParser, {"default": asynchronous}, TypeError, "default is called at once"),
    (DefaultParser, {"max_attachments": "3"}, TypeError, "max_attachments must be"),
    (DefaultParser, {"max_attachments": True}, TypeError, "max_attachments must be"),
    (DefaultParser, {"max_attachments": None}, TypeError, "max_attachments must be"),
    (DefaultParser, {"max_attachments": -1}, ValueError, "max_attachments must be"),
    (DefaultParser, {"max_attachments": 1.5}, ValueError, "max_attachments must be"),
    (MsgpackParser, {"default": "text"}, TypeError, "default must be a function such as"),
    (MsgpackParser, {"default": asynchronous}, TypeError, "default is called at once"),
    (ClusterAdapter, {"make_driver": object()}, TypeError, "make_driver must be a function"),
    (
        ClusterAdapter,
        {"make_driver": lambda: None, "local_recovery": "no"},
        TypeError,
        "local_recovery must be True or False",
    ),
    (SocketIOMiddleware, {"app": None, "server": io}, TypeError, "in this order"),
    (SocketIOMiddleware, {"app": io, "server": app}, TypeError, "in this order"),
    (
        mount,
        {"app": io, "path": "/x", "server": Starlette()},
        TypeError,
        "mount(app, path, server)",
    ),
    (mount, {"app": Starlette(), "path": io, "server": "/x"}, TypeError, "a path and a Server"),
    (mount, {"app": Starlette(), "path": "x", "server": io}, ValueError, "a slash, /x"),
    (SocketIOMount, {"path": "/x", "server": None}, TypeError, "a path and a Server"),
    (ConnectionRefused, {"message": 5}, TypeError, "the message must be text"),
    (RequestRefused, {"message": None}, TypeError, "the message must be text"),
    (RequestRefused, {"status": "403"}, TypeError, "a number from 400 to 599"),
    (RequestRefused, {"status": 200}, ValueError, "a number from 400 to 599"),
    (RequestRefused, {"status": True}, TypeError, "a number from 400 to 599"),
    (io.engine.use, {"middleware": 5}, TypeError, "the middleware must be a function"),
    (io.timeout, {"timeout": "1"}, TypeError, "timeout must be a positive number of seconds"),
    (io.timeout, {"timeout": -1}, ValueError, "timeout must be a positive number of seconds"),
    (io.timeout, {"timeout": 5000}, ValueError, "5000 milliseconds are timeout=5"),
    (io.compress, {"compress": "yes"}, TypeError, "compress must be True or False"),
    (io.of("/").timeout, {"timeout": None}, TypeError, "timeout must be a positive number"),
]


@on_asyncio
@pytest.mark.parametrize(("function", "arguments", "kind", "words"), WRONG)
async def test_what_makes_no_sense_is_refused_at_once(
    function: Callable[..., Any], arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        function(**arguments)


def test_what_makes_sense_is_taken() -> None:
    DefaultParser(max_attachments=0, default=str)
    MsgpackParser(default=str)
    assert RequestRefused("no", 429).status == 429
    SocketIOMiddleware(app, io)
    io.timeout(0.5).timeout(3600).compress(False)
