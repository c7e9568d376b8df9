"""The life of a connection: who it is, the rooms it is in, and its end."""

from __future__ import annotations

import anyio

from socketio_asgi import EventRouter

from . import presence, sessions
from .channels import channel_ids_of
from .database import Database
from .schemas import Typing, message_typing
from .server import ChatSocket, Visitor, channel_room, session_room, user_room
from .sessions import Login
from .settings import settings

router = EventRouter()


ENTRY_SECONDS = 60.0  # longer than the time that a client has to be let in, connect_timeout
entering: dict[str, float] = {}
"""Sockets that count as connections before they are there: their ids, and since when."""


@router.use
async def identify(socket: ChatSocket) -> None:
    """Before a client is let in: it is in its rooms, and on-line, when it learns of that."""
    login: Login = socket.handshake.connection.state.login
    socket.data = Visitor(login.user_id, login.session_id)
    await join_rooms(socket)
    entering[socket.id] = anyio.current_time()
    await presence.arrive(login.user_id, socket.id)


@router.on("connection")
async def connected(socket: ChatSocket) -> None:
    """What happened while the client was let in did not reach it; so look again."""
    entering.pop(socket.id, None)
    async with Database() as db:
        is_valid = await sessions.is_valid(db, socket.data.session_id)
    if not is_valid:  # logged out meanwhile
        await socket.disconnect(close=True)
        return
    await join_rooms(socket)  # a channel that was joined in another tab meanwhile


@router.on("disconnecting")
async def disconnecting(socket: ChatSocket) -> None:
    """Nobody types who is gone."""
    user_id = socket.data.user_id
    async with Database() as db:
        channel_ids = await channel_ids_of(db, user_id)
    for channel_id in channel_ids:
        typing = Typing(user_id=user_id, channel_id=channel_id, is_typing=False)
        await socket.to(channel_room(channel_id)).emit(message_typing, typing)


@router.on("disconnect")
async def disconnected(socket: ChatSocket) -> None:
    """Wait for the grace period: a page that is loaded again is away for a moment."""
    await presence.leave(socket.id)
    await anyio.sleep(settings.disconnection_grace)
    await presence.settle([socket.data.user_id])


async def end_lost() -> None:
    """End the connections of clients that went away in the door: they have no ``disconnect``."""
    late = anyio.current_time() - ENTRY_SECONDS
    for socket_id in [each for each, since in entering.items() if since < late]:
        del entering[socket_id]
        await presence.leave(socket_id)


async def join_rooms(socket: ChatSocket) -> None:
    visitor = socket.data
    async with Database() as db:
        channel_ids = await channel_ids_of(db, visitor.user_id)
    channel_rooms = (channel_room(channel_id) for channel_id in channel_ids)
    await socket.join(user_room(visitor.user_id), session_room(visitor.session_id), *channel_rooms)
