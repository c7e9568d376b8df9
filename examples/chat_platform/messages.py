"""Messages: sent once, listed page by page, and read."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from socketio_asgi import EventRouter

from .database import Database, insert
from .models import Channel, Membership, Message
from .schemas import (
    AckMessage,
    Done,
    ListMessages,
    MessagePage,
    MessageSent,
    MessageView,
    SendMessage,
    Sent,
    SetTyping,
    Typing,
    message_sent,
    message_typing,
)
from .server import ChatSocket, Refused, channel_room

router = EventRouter(emits=[message_sent, message_typing])


@router.on("message:send")
async def send_message(socket: ChatSocket, payload: SendMessage) -> MessageSent:
    """Send a message to a channel; one with a clientId that was sent before is not sent again."""
    user_id = socket.data.user_id
    async with Database.begin() as db:
        if not await lock_channel(db, user_id, payload.channel_id):
            raise Refused
        message_id = await store(db, user_id, payload)
        is_new = message_id is not None
        if message_id is None:
            message_id = await find_sent(db, user_id, payload.client_id)
    if is_new:
        message = MessageView(
            id=str(message_id),
            channel_id=payload.channel_id,
            sender=user_id,
            content=payload.content,
        )
        await socket.to(channel_room(payload.channel_id)).emit(message_sent, message)
    return MessageSent(data=Sent(id=str(message_id)))


async def lock_channel(db: AsyncSession, user_id: UUID, channel_id: UUID) -> bool:
    """Lock a channel until the end of the transaction; returns whether the user is a member.

    Without the lock the message 8 may be visible before 7 is, and a client that has listed up to 8
    would never ask for 7.
    """
    query = (
        select(Channel.id)
        .join(Membership, Membership.channel_id == Channel.id)
        .where(Channel.id == channel_id, Membership.user_id == user_id)
        .with_for_update(key_share=True, of=Channel)
    )
    return (await db.scalars(query)).one_or_none() is not None


async def store(db: AsyncSession, user_id: UUID, payload: SendMessage) -> int | None:
    """Store a message; returns its id, or None if it is there already.

    The index decides that, so that two attempts at the same moment are one message as well: the
    second one waits here for the end of the first.
    """
    row = {
        "from_user": user_id,
        "channel_id": payload.channel_id,
        "content": payload.content,
        "client_id": payload.client_id,
    }
    new = insert(Message).values(row).on_conflict_do_nothing()
    message_id = (await db.scalars(new.returning(Message.id))).one_or_none()
    if message_id is not None:
        await move_mark(db, user_id, payload.channel_id, message_id)
    return message_id


async def find_sent(db: AsyncSession, user_id: UUID, client_id: UUID | None) -> int:
    """The message that a user has sent with this id of the client."""
    query = select(Message.id).where(Message.from_user == user_id, Message.client_id == client_id)
    return (await db.scalars(query)).one()


@router.on("message:list")
async def list_messages(socket: ChatSocket, payload: ListMessages) -> MessagePage:
    """A page of the messages in a channel, in either direction."""
    query = select(Message).where(Message.channel_id == payload.channel_id)
    if payload.order_by == "id:asc":
        query = query.order_by(Message.id.asc())
        if payload.after is not None:
            query = query.where(Message.id > int(payload.after))
    else:
        query = query.order_by(Message.id.desc())
        if payload.after is not None:
            query = query.where(Message.id < int(payload.after))
    async with Database() as db:
        if not await is_member(db, socket.data.user_id, payload.channel_id):
            raise Refused
        found = (await db.scalars(query.limit(payload.size + 1))).all()
    page = [view(message) for message in found[: payload.size]]
    return MessagePage(data=page, has_more=len(found) > payload.size)


@router.on("message:ack")
async def ack_message(socket: ChatSocket, payload: AckMessage) -> Done:
    """Everything up to this message has been read."""
    user_id, message_id = socket.data.user_id, int(payload.message_id)
    async with Database.begin() as db:
        message = await db.get(Message, message_id)
        if message is None or message.channel_id != payload.channel_id:
            raise Refused
        if not await is_member(db, user_id, payload.channel_id):
            raise Refused
        await move_mark(db, user_id, payload.channel_id, message_id)
    return Done()


@router.on("message:typing")
async def set_typing(socket: ChatSocket, payload: SetTyping) -> None:
    """Tell the others that one types. The rooms of the socket know who is a member: no query."""
    room = channel_room(payload.channel_id)
    if room in socket.rooms:
        typing = Typing(
            user_id=socket.data.user_id, channel_id=payload.channel_id, is_typing=payload.is_typing
        )
        await socket.to(room).emit(message_typing, typing)


async def is_member(db: AsyncSession, user_id: UUID, channel_id: UUID) -> bool:
    return await db.get(Membership, (user_id, channel_id)) is not None


async def move_mark(db: AsyncSession, user_id: UUID, channel_id: UUID, message_id: int) -> None:
    """Move the read mark of a user, forward only: the tab that is behind does not take it back."""
    mark = Membership.client_offset
    await db.execute(
        update(Membership)
        .where(Membership.user_id == user_id, Membership.channel_id == channel_id)
        .where(or_(mark.is_(None), mark < message_id))
        .values(client_offset=message_id)
    )


def view(message: Message) -> MessageView:
    """A message as clients see it."""
    return MessageView(
        id=str(message.id),
        channel_id=message.channel_id,
        sender=message.from_user,
        content=message.content,
    )
