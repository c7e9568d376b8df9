"""Other users: found, looked at, and reached in private."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from socketio_asgi import EventRouter

from .channels import view_channel
from .database import Database
from .models import Channel, Membership, User
from .schemas import (
    FoundUsers,
    GetUser,
    OneChannel,
    OneUser,
    ReachUser,
    Search,
    UserState,
    UserView,
    channel_created,
    user_connected,
    user_disconnected,
)
from .server import ChatSocket, Refused, channel_room, io, state_room, user_room

router = EventRouter(emits=[user_connected, user_disconnected])


@router.on("user:get")
async def get_user(socket: ChatSocket, payload: GetUser) -> OneUser:
    """A user, and from now on whether they come and go."""
    # First the room, then the look: a change in between is told twice rather than never.
    await socket.join(state_room(payload.user_id))
    async with Database() as db:
        user = await db.get(User, payload.user_id)
    if user is None:
        await socket.leave(state_room(payload.user_id))
        raise Refused
    return OneUser(data=UserState(id=user.id, username=user.username, is_online=user.is_online))


@router.on("user:reach")
async def reach_user(socket: ChatSocket, payload: ReachUser) -> OneChannel:
    """The private channel with another user, which is made if there is none."""
    user_id, other_id = socket.data.user_id, payload.user_ids[0]
    async with Database.begin() as db:
        channel_id, is_new = await private_channel(db, user_id, other_id)
    view = await view_channel(user_id, channel_id)
    if is_new:
        room = channel_room(channel_id)
        await io.in_(user_room(user_id), user_room(other_id)).sockets_join(room)
        await socket.to(user_room(user_id)).emit(channel_created, view)
        await io.to(user_room(other_id)).emit(
            channel_created, await view_channel(other_id, channel_id)
        )
    return OneChannel(data=view)


async def private_channel(db: AsyncSession, user_id: UUID, other_id: UUID) -> tuple[UUID, bool]:
    """Find or make the private channel of two users; returns its id, and whether it is new."""
    if user_id == other_id:
        raise Refused
    # Both are locked, in one order: when each reaches the other at the same moment, the second
    # one finds the channel of the first.
    pair = select(User.id).where(User.id.in_([user_id, other_id])).order_by(User.id)
    if len((await db.scalars(pair.with_for_update(key_share=True))).all()) != 2:
        raise Refused
    mine, theirs = aliased(Membership), aliased(Membership)
    existing = (
        select(Channel.id)
        .join(mine, mine.channel_id == Channel.id)
        .join(theirs, theirs.channel_id == Channel.id)
        .where(Channel.type == "private", mine.user_id == user_id, theirs.user_id == other_id)
        .order_by(Channel.created_at)
        .limit(1)
    )
    found = (await db.scalars(existing)).one_or_none()
    if found is not None:
        return found, False
    channel = Channel(type="private")
    db.add(channel)
    await db.flush()
    db.add_all(Membership(user_id=each, channel_id=channel.id) for each in (user_id, other_id))
    return channel.id, True


@router.on("user:search")
async def search_users(socket: ChatSocket, payload: Search) -> FoundUsers:
    """Users whose name begins so, and whom one has no private channel with."""
    user_id = socket.data.user_id
    mine, theirs = aliased(Membership), aliased(Membership)
    reached = (
        select(theirs.user_id)
        .join(mine, mine.channel_id == theirs.channel_id)
        .join(Channel, Channel.id == mine.channel_id)
        .where(mine.user_id == user_id, Channel.type == "private")
    )
    query = (
        select(User.id, User.username)
        .where(User.username.istartswith(payload.q, autoescape=True))
        .where(User.id != user_id, User.id.not_in(reached))
        .order_by(func.lower(User.username), User.id)
        .limit(payload.size)
    )
    async with Database() as db:
        rows = (await db.execute(query)).tuples()
        return FoundUsers(data=[UserView(id=id, username=name) for id, name in rows])
