"""Who is there: kept in the database, so that it is right when a server is killed.

Each connection is a row, with the server that has it. A server says that it lives every few
seconds. The connections of one that has not done so for too long are ended by the others; so a
user whose server was killed is gone after that time and the grace period, as all others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from . import database
from .database import LOCK, Database, insert
from .models import Connection, ServerProcess, User
from .schemas import user_connected, user_disconnected
from .server import io, state_room
from .settings import settings

THIS_SERVER = uuid4()
BEAT = settings.server_timeout / 4
"""Seconds between two signs of life: three of them may be late or get lost."""
GRACE = timedelta(seconds=settings.disconnection_grace)
SERVER_TIMEOUT = timedelta(seconds=settings.server_timeout)
DAY = timedelta(days=1)
AT_A_TIME = 500
"""Users in one transaction."""


async def arrive(user_id: UUID, socket_id: str) -> None:
    """A connection has begun."""
    async with Database.begin() as db:
        # All that changes the presence of a user locks their row first: one change at a time, in
        # the whole cluster, so that each is told exactly once.
        user = await db.get(User, user_id, with_for_update=LOCK)
        if user is None:
            return
        row = {"server_id": THIS_SERVER, "user_id": user_id, "ended_at": None}
        new = insert(Connection).values(id=socket_id, **row)
        await db.execute(new.on_conflict_do_update(index_elements=[Connection.id], set_=row))
        was_online = user.is_online
        user.is_online, user.last_ping = True, await database.now(db)
    if not was_online:
        await io.to(state_room(user_id)).emit(user_connected, user_id)


async def leave(socket_id: str) -> None:
    """A connection has ended; the grace period begins."""
    async with Database.begin() as db:
        query = update(Connection).where(Connection.id == socket_id)
        await db.execute(query.values(ended_at=await database.now(db)))


async def settle(user_ids: Collection[UUID]) -> None:
    """Tell that users are gone, those who have no connection left and whose grace is over."""
    async with Database.begin() as db:
        users = select(User.id).where(User.id.in_(user_ids)).order_by(User.id)
        locked = (await db.scalars(users.with_for_update(key_share=True))).all()
        over = Connection.ended_at <= await database.now(db) - GRACE
        await db.execute(delete(Connection).where(Connection.user_id.in_(locked), over))
        held = select(Connection.user_id).where(Connection.user_id.in_(locked))
        query = update(User).where(User.id.in_(locked), User.id.not_in(held), User.is_online)
        gone = (await db.scalars(query.values(is_online=False).returning(User.id))).all()
    for user_id in gone:
        await io.to(state_room(user_id)).emit(user_disconnected, user_id)


async def beat() -> None:
    """Say that this server lives, end the connections of those that do not, settle what is due."""
    async with Database.begin() as db:
        was_forgotten = await say_alive(db)
    if was_forgotten:  # it has just begun, or stood still for so long that it passed for dead
        await arrive_again()
    async with Database.begin() as db:
        await end_connections_of_the_dead(db)
        due = await find_due(db)
    for start in range(0, len(due), AT_A_TIME):
        await settle(due[start : start + AT_A_TIME])


async def say_alive(db: AsyncSession) -> bool:
    """Returns whether the others did not know of this server."""
    time = await database.now(db)
    query = update(ServerProcess).where(ServerProcess.id == THIS_SERVER).values(last_seen=time)
    if (await db.scalars(query.returning(ServerProcess.id))).one_or_none() is not None:
        return False
    db.add(ServerProcess(id=THIS_SERVER, last_seen=time))
    return True


async def arrive_again() -> None:
    """Tell the others of the connections that this server has."""
    for socket in list(io.sockets.sockets.values()):
        await arrive(socket.data.user_id, socket.id)
        if not socket.connected:  # it left meanwhile, and its end is overwritten
            await leave(socket.id)


async def end_connections_of_the_dead(db: AsyncSession) -> None:
    time = await database.now(db)
    # Servers that find the same one dead at the same time take turns here.
    await db.execute(delete(ServerProcess).where(ServerProcess.last_seen <= time - SERVER_TIMEOUT))
    query = update(Connection).where(
        Connection.ended_at.is_(None), Connection.server_id.not_in(select(ServerProcess.id))
    )
    await db.execute(query.values(ended_at=time))


async def find_due(db: AsyncSession) -> Sequence[UUID]:
    """Users whose grace is over, and those who look on-line, but were not seen for a day.

    The first are left when the server that would have settled them ends before. The second come
    from databases that did not know of connections.
    """
    time = await database.now(db)
    ended = select(Connection.user_id).where(Connection.ended_at <= time - GRACE)
    unseen = select(User.id).where(
        User.is_online,
        User.last_ping < time - DAY,
        User.id.not_in(select(Connection.user_id)),
    )
    return (await db.scalars(ended.union(unseen))).all()


async def stop() -> None:
    """End what this server has, so that the others need not wait to find out."""
    async with Database.begin() as db:
        await db.execute(delete(ServerProcess).where(ServerProcess.id == THIS_SERVER))
        mine = update(Connection).where(
            Connection.server_id == THIS_SERVER, Connection.ended_at.is_(None)
        )
        await db.execute(mine.values(ended_at=await database.now(db)))
