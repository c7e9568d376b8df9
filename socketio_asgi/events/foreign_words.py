"""The words of other Socket.IO packages, and ours for them: what an error says to those who come.

An error is made where Python would raise its own, so that nothing is looked up before that.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

_TO = "rooms are chosen before: io.to({value}).emit(...)"
_ANSWER = "wait for the answer instead: await emit_with_ack(...)"

EMIT: Mapping[str, str] = {
    "room": _TO,
    "rooms": _TO,
    "to": _TO,
    "skip_sid": "leave a socket out before: io.except_({value}).emit(...), or in a handler"
    " socket.broadcast.emit(...)",
    "include_self": "in a handler, socket.broadcast.emit(...) reaches all but the socket itself",
    "broadcast": "io.emit(...) reaches everybody, and socket.broadcast.emit(...) everybody else",
    "namespace": "a namespace has its own emit(): io.of({value}).emit(...)",
    "callback": _ANSWER,
    "data": "values stand behind the name: emit('event', 1, 'two', [3])",
    "ignore_queue": "for the clients of this process alone: io.local.emit(...)",
    "timeout": "for acknowledgements: await io.timeout({value}).emit_with_ack(...)",
}
"""Keywords of methods that send."""

ON: Mapping[str, str] = {
    "namespace": "a namespace has its own handlers: @io.of({value}).on('event')",
    "handler": "it is a decorator: io.on('event')(function)",
}
"""Keywords of the decorators for handlers."""

SERVER: Mapping[str, str] = {
    "async_handlers": "handlers run at once; Server(...).of('/').ordered = True, or"
    " @io.on('event', ordered=True), has them one after another",
    "async_mode": "leave it out: the server runs on asyncio and on trio, whichever serves it",
    "always_connect": "leave it out: a client is in when the middlewares (@io.use) have let it in",
    "client_manager": "servers are joined by adapter=, such as RedisAdapter('redis://localhost')",
    "compression_threshold": "it is a number for http_compression=, in bytes",
    "cors_allowed_origins": "origins are allowed by cors={value}",
    "cors_credentials": "it is cors=Cors(origins=..., credentials={value})",
    "engineio_logger": "configure the logger 'socketio_asgi.engine' of the module logging",
    "json": "values are encoded by parser=, such as DefaultParser(default=...)",
    "logger": "configure the logger 'socketio_asgi' of the module logging",
    "monitor_clients": "leave it out: every connection is watched by its heartbeat",
    "namespaces": "a namespace is there when it has handlers: @io.of('/chat').on('event')",
    "serializer": "it is parser=, such as MsgpackParser()",
    "socketio_path": "it is path={value}",
    "static_files": "the framework that the server is mounted in serves files",
    "write_only": "processes that only send have an emitter: socketio_asgi.emitters",
    "connectionStateRecovery": "it is connection_state_recovery=, with seconds",
    "perMessageDeflate": "leave it out: messages are not compressed",
    "serveClient": "it is serve_client=, the folder of the client's files",
    "wsEngine": "leave it out: the ASGI server has the WebSockets",
}
"""Options of servers."""

METHODS: Mapping[str, str] = {
    "attach": "mount the server, or wrap an application in SocketIOMiddleware",
    "call": "the answer of one client: await socket.emit_with_ack('event', ...)",
    "close_room": "io.in_(room).sockets_leave(room)",
    "enter_room": "await socket.join(room)",
    "event": "@io.on('name'), and methods of a Namespace have @event",
    "get_environ": "socket.handshake",
    "get_session": "socket.data",
    "instrument": "watch the server with an observer: Server(observer=...)",
    "leave_room": "await socket.leave(room)",
    "register_namespace": "io.register(Chat('/chat'))",
    "rooms": "socket.rooms",
    "save_session": "socket.data",
    "session": "socket.data",
    "shutdown": "await io.close()",
    "sleep": "anyio.sleep(), asyncio.sleep() or trio.sleep()",
    "start_background_task": "a task group of anyio, or asyncio.create_task()",
    "transport": "socket.conn.transport.name",
}
"""Methods of servers."""


def unexpected(method: str, words: Mapping[str, object], known: Mapping[str, str]) -> TypeError:
    """The error for keywords that a method does not have.

    Args:
        method: Its name, with the class.
        words: The keywords, with their values.
        known: What is said to those that are known.
    """
    word, value = next(iter(words.items()))
    hint = known.get(word, "")
    if hint:
        hint = "; " + hint.format(value=_shown(value))
    return TypeError(f"{method}() got an unexpected keyword argument {word!r}{hint}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else "..."


_PYTHONS_OWN = re.compile(r"got an unexpected keyword argument '(\w+)'")


def explaining(
    known: Mapping[str, str],
) -> Callable[[Callable[P, ResultT]], Callable[P, ResultT]]:
    """Decorate a function that is called seldom: its error for a keyword names our word.

    Args:
        known: What is said to keywords.
    """

    def decorate(function: Callable[P, ResultT]) -> Callable[P, ResultT]:
        owner, _, method = function.__qualname__.rpartition(".")
        name = owner if method == "__init__" else method
        options = [name for name in inspect.signature(function).parameters if name != "self"]

        def call(*args: P.args, **kwargs: P.kwargs) -> ResultT:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                inside = error.__traceback__ is not None and error.__traceback__.tb_next
                found = None if inside else _PYTHONS_OWN.search(str(error))
                if found is None:
                    raise
                word = found[1]
                hint = known.get(word) or _near(word, options)
                raise unexpected(name, {word: kwargs.get(word)}, {word: hint}) from None

        if not inspect.iscoroutinefunction(function):
            return functools.wraps(function)(call)

        @functools.wraps(function)
        async def call_and_wait(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await call(*args, **kwargs)  # type: ignore[misc]  # a coroutine

        return cast("Callable[P, ResultT]", call_and_wait)

    return decorate


def _near(word: str, options: Iterable[str]) -> str:
    """The option that was meant: in another spelling, or mistyped."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower()
    for near in get_close_matches(snake, list(options), 1):
        seconds = ", in seconds" if near.endswith(("interval", "timeout")) else ""
        return f"it is {near}={seconds}" if near == snake else f"did you mean {near}=?"
    return ""


class ForeignMethod:
    """Stands for a method that other packages have; asked for it, a server says what ours is.

    Args:
        name: The name of the method.
        hint: Ours.
    """

    def __init__(self, name: str, hint: str) -> None:
        self._name = name
        self._hint = hint

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        """Raise what Python would, with a hint."""
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self._name!r}; here it is {self._hint}",
            obj=instance,
        )
