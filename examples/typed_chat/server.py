"""A chat whose client in TypeScript is compiled against the contract of this server.

socketio-asgi run server:io
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from socketio_asgi import AckError, Event, EventError, Server, Socket, event_stub

PLACES = 2


@dataclass
class Person:
    """Somebody in a room."""

    name: str
    role: Literal["host", "guest"] = "guest"


@dataclass
class Message:
    by: Person
    text: str


@dataclass
class Room:
    name: str
    people: list[Person]


@dataclass
class Places:
    taken: int
    all: int


@dataclass
class Member:
    """What the server keeps with a socket: who it is, and where."""

    person: Person
    room: str


class RoomFull(EventError):
    code = "room_full"
    message = "The room is full."
    details: Places


class NotInRoom(EventError):
    code = "not_in_room"
    message = "Enter a room first."


said = Event("said", Message, description="Somebody has said something.")
entered = Event("entered", Person, description="Somebody has entered the room.")


@event_stub("confirm")
def confirm(question: str, seconds: int = 5) -> bool:
    """Ask for a yes or a no."""
    raise NotImplementedError


io = Server()
io.emits(said, entered, confirm)


def people_in(room: str) -> list[Person]:
    """The people in a room of this process."""
    members: list[Member] = [
        socket.data for socket in io.sockets.sockets.values() if isinstance(socket.data, Member)
    ]
    return [member.person for member in members if member.room == room]


@io.on("enter", errors=[RoomFull], ordered=True)
async def enter(socket: Socket[Member], room: str, person: Person) -> Room:
    """Enter a room."""
    people = people_in(room)
    if len(people) >= PLACES:
        raise RoomFull(details=Places(len(people), PLACES))
    socket.data = Member(person, room)
    await socket.join(room)
    await socket.to(room).emit(entered, person)
    return Room(room, [*people, person])


@io.on("say", errors=[NotInRoom])
async def say(socket: Socket[Member], text: str) -> int:
    """Say something to all in the room; the answer is their number."""
    member = member_of(socket)
    await io.to(member.room).emit(said, Message(member.person, text))
    return len(people_in(member.room))


@io.on("clear", errors=[NotInRoom])
async def clear(socket: Socket[Member]) -> Literal["cleared", "kept"]:
    """Ask everybody else in the room whether to clear it."""
    member = member_of(socket)
    try:
        answers = await socket.to(member.room).emit_with_ack(confirm, f"Clear {member.room}?")
    except AckError:
        return "kept"
    return "cleared" if all(answers) else "kept"


def member_of(socket: Socket[Member]) -> Member:
    if not isinstance(socket.data, Member):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise NotInRoom
    return socket.data
