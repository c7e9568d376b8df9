"""Sending from threads: plain handlers, threads of the application, routes of FastAPI."""

from __future__ import annotations

import threading
from typing import Any

from fastapi import FastAPI

from socketio_asgi import Server, Socket
from socketio_asgi.protocol import EncodeError

BYTES = bytes([0, 255, 30])

io = Server()
app = FastAPI()
app.mount("/socket.io", io)


# -- plain handlers ------------------------------------------------------------------------------


@io.on("connection")
def connected(socket: Socket) -> None:
    socket.emit("welcome", {"bytes": BYTES})
    socket.data["barrier"] = threading.Barrier(2)


@io.on("alive")
async def alive(_socket: Socket) -> None: ...


@io.on("echo")
def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
    socket.emit("echo", *args)
    return args


@io.on("meet")
def meet(socket: Socket) -> None:
    """Blocks its thread until a second one is here."""
    socket.data["barrier"].wait(10)


@io.on("join")
def join(socket: Socket, *rooms: str) -> None:
    socket.join(*rooms)


@io.on("leave")
def leave(socket: Socket, room: str) -> None:
    socket.leave(room)


@io.on("rooms")
async def rooms(socket: Socket) -> list[str]:
    return sorted(socket.rooms)


@io.on("say")
def say(socket: Socket, room: str) -> str:
    """Send in many ways, in an order."""
    socket.emit("said", "to itself")
    io.to(room).emit("said", "to the room", BYTES)
    socket.to(room).emit("said", "to the others")
    io.to(room).except_(socket.id).emit("said", "to the others, in another way")
    io.of("/").to(socket.id).send("a message")
    socket.compress(False).emit("said", "last")
    return "answered"


@io.on("move")
def move(_socket: Socket, room: str, to: str) -> None:
    io.to(room).sockets_join(to)
    io.to(room).sockets_leave(room)
    io.to(to).emit("said", "moved")


@io.on("change")
def change(socket: Socket) -> None:
    """Values are encoded at once, so they may change afterwards."""
    values: list[int] = [1]
    data = bytearray(b"before")
    socket.emit("said", values, data)
    io.to(socket.id).emit("said", values, data)
    values.append(2)
    data[:] = b"after!"


@io.on("unspeakable")
def unspeakable(socket: Socket) -> list[str]:
    """Errors are the caller's."""
    errors: list[str] = []
    for emitter in (socket, io, io.to("room"), socket.broadcast):
        try:
            emitter.emit("said", {"a set has no form"})
        except EncodeError as error:
            errors.append(type(error).__name__)
    return errors


@io.on("ask")
def ask(socket: Socket, *args: Any) -> Any:
    return io.from_thread.run(socket.emit_with_ack, "question", *args)


@io.on("find")
def find(_socket: Socket, room: str) -> list[str]:
    return sorted(one.id for one in io.from_thread.run(io.to(room).fetch_sockets))


@io.on("leave me")
def leave_me(socket: Socket) -> None:
    socket.emit("said", "before")
    socket.disconnect()
    socket.emit("said", "never")


@io.on("crowd")
def crowd(socket: Socket, size: int, events: int) -> None:
    """Many threads at once."""

    def work(number: int) -> None:
        for event in range(events):
            socket.emit("crowd", number, event, bytes([number]), {"same": bytes([number])})
            io.to(socket.id).emit("crowd", number, event + 0.5, bytes([number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# -- routes --------------------------------------------------------------------------------------


@app.post("/emit")
def emit(room: str, count: int) -> dict[str, bool]:
    """Send from a plain route, which runs in a thread."""
    for number in range(count):
        io.to(room).emit("route", number, BYTES)
    return {"in the event loop": threading.current_thread() is threading.main_thread()}


@app.post("/emit-async")
async def emit_async(room: str, count: int) -> dict[str, bool]:
    """Send from a route in the event loop."""
    for number in range(count):
        await io.to(room).emit("route", number, BYTES)
    return {"in the event loop": threading.current_thread() is threading.main_thread()}


@app.post("/ask")
def ask_room(room: str) -> dict[str, list[Any]]:
    """Ask from a plain route."""
    found = io.from_thread.run(io.to(room).fetch_sockets)
    answers = io.from_thread.run(io.to(room).timeout(10).emit_with_ack, "question", "route")
    return {"ids": sorted(one.id for one in found), "answers": sorted(answers)}


@app.post("/disconnect")
def disconnect(room: str) -> None:
    """Disconnect clients from a plain route."""
    io.in_(room).disconnect_sockets(close=True)
