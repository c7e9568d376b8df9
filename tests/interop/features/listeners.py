"""Listeners of one socket, which clients add and take off by events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from socketio_asgi import Server, Socket

io = Server()

Log = list[list[Any]]


class Watcher:
    """A catch-all listener."""

    def __init__(self, name: str, log: Log) -> None:
        self.name = name
        self._log = log

    def __call__(self, event: str, *args: Any) -> None:
        """Note an event."""
        self._log.append([self.name, event, *args])


class Listener:
    """A listener of one event."""

    def __init__(self, name: str, log: Log) -> None:
        self._name = name
        self._log = log

    async def __call__(self, *args: Any) -> str:
        """Note an event; what is returned is no answer."""
        self._log.append([self._name, *args])
        return "not an answer"


@io.on("connection")
async def connected(socket: Socket) -> None:
    socket.data |= {"log": [], "listeners": {}, "watchers": {}}


@io.on("log")
async def take_log(socket: Socket) -> Log:
    log: Log = socket.data["log"]
    taken = log.copy()
    log.clear()
    return taken


@io.on("both")
async def both(socket: Socket, *args: Any) -> str:
    socket.data["log"].append(["handler", *args])
    return "handler"


# -- one event -----------------------------------------------------------------------------------


@io.on("listen")
async def listen(socket: Socket, event: str, name: str, once: bool = False) -> None:
    listener = socket.data["listeners"][name] = Listener(name, socket.data["log"])
    (socket.once if once else socket.on)(event)(listener)


@io.on("unlisten")
async def unlisten(socket: Socket, event: str, name: str) -> None:
    socket.off(event, socket.data["listeners"][name])


@io.on("unlisten all")
async def unlisten_all(socket: Socket, event: str | None = None) -> None:
    socket.remove_all_listeners(event)


@io.on("event names")
async def event_names(socket: Socket) -> list[str]:
    return socket.event_names()


@io.on("listen and answer")
async def listen_and_answer(socket: Socket, event: str) -> None:
    @socket.on(event)
    async def answering(*args: Any, ack: Any) -> None:
        await ack("listener", *args)


@io.on("listen in a thread")
async def listen_in_a_thread(socket: Socket, event: str) -> None:
    @socket.on(event)
    def plain(value: Any, *, ack: Any) -> None:
        socket.emit("from a thread", value)
        ack()


@io.on("change events")
async def change_events(socket: Socket, event: str) -> None:
    @socket.use
    async def change(name: str, args: list[Any]) -> None:
        if name == event:
            socket.data["log"].append(["middleware", *args])
            args.append("changed")


# -- all events ----------------------------------------------------------------------------------


@io.on("watch")
async def watch(socket: Socket, direction: str, name: str, front: bool = False) -> None:
    watcher = socket.data["watchers"][name] = Watcher(name, socket.data["log"])
    add: dict[tuple[str, bool], Callable[[Watcher], Watcher]] = {
        ("in", False): socket.on_any,
        ("in", True): socket.prepend_any,
        ("out", False): socket.on_any_outgoing,
        ("out", True): socket.prepend_any_outgoing,
    }
    add[direction, front](watcher)


@io.on("unwatch")
async def unwatch(socket: Socket, direction: str, name: str | None = None) -> None:
    watcher = None if name is None else socket.data["watchers"][name]
    (socket.off_any if direction == "in" else socket.off_any_outgoing)(watcher)


@io.on("watchers")
async def watchers(socket: Socket, direction: str) -> list[str]:
    listeners = socket.listeners_any if direction == "in" else socket.listeners_any_outgoing
    return [watcher.name for watcher in listeners() if isinstance(watcher, Watcher)]


@io.on("send")
async def send(socket: Socket, id: str, event: str, *args: Any) -> None:
    """Send in all ways, to the client itself and to the one with that id."""
    await socket.emit(event, "emit", *args)
    await socket.send("send", *args)
    await io.to(socket.id, id).emit(event, "room", *args)
    await socket.to(id).emit(event, "others")
    await socket.emit_with_ack(event, "question")
