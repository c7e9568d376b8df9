"""The Socket.IO server, and its handlers: they use the ORM as views do."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver

from socketio_asgi import ConnectionRefused, EventError, Socket
from socketio_asgi.integrations.django import make_server, user

from .models import Message

io = make_server()

HISTORY = 20  # messages that somebody who joins is given


@dataclass
class Line:
    """One message, as clients get it."""

    id: int
    room: str
    author: str
    text: str


@io.use
def authenticate(socket: Socket) -> None:
    who = user(socket)
    if not isinstance(who, User):
        raise ConnectionRefused("log in first")
    socket.data["user"] = who.pk
    socket.data["name"] = who.get_username()
    socket.join(f"user {who.pk}")


@io.on("join")
def join(socket: Socket, room: str) -> list[Line]:
    if not room:
        raise EventError("no_room", "a room has a name")
    socket.join(room)
    socket.to(room).emit("joined", room, socket.data["name"])
    found = Message.objects.filter(room=room).select_related("author").order_by("-pk")[:HISTORY]
    return [
        Line(message.pk, room, message.author.get_username(), message.text) for message in found
    ][::-1]


@io.on("say")
def say(socket: Socket, room: str, text: str) -> int:
    if room not in socket.rooms:
        raise EventError("not_joined", f"join {room!r} first")
    if not 0 < len(text) <= 500:
        raise EventError("length", "a message has 1 to 500 characters")
    message = Message.objects.create(room=room, author_id=socket.data["user"], text=text)
    socket.to(room).emit("said", Line(message.pk, room, socket.data["name"], text))
    return message.pk


@receiver(user_logged_out)
def end_connections(user: User | None, **_kwargs: object) -> None:
    if user is not None:
        io.in_(f"user {user.pk}").disconnect_sockets()
