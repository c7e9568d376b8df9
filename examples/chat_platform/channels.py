"""Channels: made, joined, listed and found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from socketio_asgi import EventRouter

from .database import LOCK, Database
from .models import Channel, Membership, Message
from .schemas import (
    ChannelPage,
    ChannelView,
    CreateChannel,
    FoundChannels,
    JoinChannel,
    ListChannels,
    OneChannel,
    Search,
    channel_created,
    channel_joined,
)
from .server import ChatSocket, Refused, channel_room, io, user_room

router = EventRouter(emits=[channel_created, channel_joined])


@router.on("channel:create")
async def create_channel(socket: ChatSocket, payload: CreateChannel) -> OneChannel:
    """Make a public channel, and join it."""
    user_id = socket.data.user_id
    try:
        async with Database.begin() as db:
            channel = Channel(name=payload.name, type="public")
            db.add(channel)
            await db.flush()
            db.add(Membership(user_id=user_id, channel_id=channel.id))
    except IntegrityError:
        raise Refused from None  # the name is taken
    view = await view_channel(user_id, channel.id)
    await socket.to(user_room(user_id)).emit(channel_created, view)
    await io.in_(user_room(user_id)).sockets_join(channel_room(channel.id))
    return OneChannel(data=view)


@router.on("channel:join")
async def join_channel(socket: ChatSocket, payload: JoinChannel) -> OneChannel:
    """Join a channel."""
    user_id = socket.data.user_id
    try:
        async with Database.begin() as db:
            await let_in(db, user_id, payload.channel_id)
    except IntegrityError:
        raise Refused from None  # the user is in it
    view = await view_channel(user_id, payload.channel_id)
    await socket.to(user_room(user_id)).emit(channel_joined, view)
    await io.in_(user_room(user_id)).sockets_join(channel_room(payload.channel_id))
    return OneChannel(data=view)


async def let_in(db: AsyncSession, user_id: UUID, channel_id: UUID) -> None:
    """Make a user a member. A private channel is open as long as nobody is in it."""
    channel = await db.get(Channel, channel_id, with_for_update=LOCK)
    if channel is None:
        raise Refused
    if channel.type == "private":
        members = select(Membership.user_id).where(Membership.channel_id == channel_id).limit(1)
        if (await db.scalars(members)).one_or_none() is not None:
            raise Refused
    db.add(Membership(user_id=user_id, channel_id=channel_id))


@router.on("channel:list")
async def list_channels(socket: ChatSocket, payload: ListChannels) -> ChannelPage:
    """The channels of the user, by name; private ones, which have none, come last."""
    query = channels_of(socket.data.user_id).order_by(Channel.name.asc().nulls_last(), Channel.id)
    async with Database() as db:
        rows = (await db.execute(query.limit(payload.size + 1))).all()  # one more: is there more?
        page = rows[: payload.size]
        views = await view_channels(db, socket.data.user_id, page)
    return ChannelPage(data=views, has_more=len(rows) > payload.size)


@router.on("channel:search")
async def search_channels(socket: ChatSocket, payload: Search) -> FoundChannels:
    """Public channels whose name begins so, and that the user is not in."""
    user_id = socket.data.user_id
    joined = select(Membership.channel_id).where(Membership.user_id == user_id)
    query = (
        select(Channel.id, Channel.name, Channel.type, member_count(), literal(0))
        .where(Channel.name.istartswith(payload.q, autoescape=True))
        .where(Channel.type == "public", Channel.id.not_in(joined))
        .order_by(Channel.name)
        .limit(payload.size)
    )
    async with Database() as db:
        rows = (await db.execute(query)).all()
        return FoundChannels(data=await view_channels(db, user_id, rows))


async def view_channel(user_id: UUID, channel_id: UUID) -> ChannelView:
    """A channel, as one of its members sees it."""
    async with Database() as db:
        rows = (await db.execute(channels_of(user_id).where(Channel.id == channel_id))).all()
        views = await view_channels(db, user_id, rows)
    if not views:
        raise Refused  # it has been deleted meanwhile
    return views[0]


async def channel_ids_of(db: AsyncSession, user_id: UUID) -> Sequence[UUID]:
    """The channels that a user is in."""
    query = select(Membership.channel_id).where(Membership.user_id == user_id)
    return (await db.scalars(query)).all()


def member_count() -> Any:
    members = (
        select(func.count()).select_from(Membership).where(Membership.channel_id == Channel.id)
    )
    return members.correlate(Channel).scalar_subquery()


def channels_of(user_id: UUID) -> Select[UUID, str | None, str, Any, int]:
    """The channels of a user, with the numbers of members and of messages behind the read mark."""
    unread = (
        select(func.count())
        .select_from(Message)
        .where(Message.channel_id == Membership.channel_id)
        .where(Message.id > func.coalesce(Membership.client_offset, 0))
        .correlate(Membership)
        .scalar_subquery()
    )
    mine = Membership.user_id == user_id
    return (
        select(Channel.id, Channel.name, Channel.type, member_count(), unread)
        .join(Membership, Membership.channel_id == Channel.id)
        .where(mine)
    )


async def view_channels(db: AsyncSession, user_id: UUID, rows: Sequence[Any]) -> list[ChannelView]:
    """Add the other members to the rows of private channels."""
    private = [row[0] for row in rows if row[2] == "private"]
    others: dict[UUID, list[UUID]] = {channel_id: [] for channel_id in private}
    if private:
        query = select(Membership.channel_id, Membership.user_id).where(
            Membership.channel_id.in_(private), Membership.user_id != user_id
        )
        for channel_id, other in (await db.execute(query)).tuples():
            others[channel_id].append(other)
    return [
        ChannelView(
            id=id,
            name=name,
            type=kind,
            users=others.get(id, []),
            user_count=users,
            unread_count=unread,
        )
        for id, name, kind, users, unread in rows
    ]
