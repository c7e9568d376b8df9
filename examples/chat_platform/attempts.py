"""How often something may be tried. The database counts, so that all servers count together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from . import database
from .database import insert
from .models import Attempts
from .settings import settings


@dataclass(frozen=True)
class Limit:
    """So many attempts in a period."""

    key: str
    number: int
    period: timedelta


class TooMany(Exception):
    """An attempt beyond a limit.

    Args:
        seconds: Until it makes sense to try again.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts; wait {seconds} s")
        self.seconds = seconds


def login_limits(username: str, address: str) -> list[Limit]:
    """Limits of wrong passwords: those that were right are given back.

    The first is against guessing one user's password; it counts by address, so that nobody locks
    out a user from elsewhere. The second is against trying one password for many names, the third
    against guessing from many addresses.
    """
    period = timedelta(minutes=5)
    return [
        Limit(f"login {address} {username}", 10, period),
        Limit(f"login {address}", 100, period),
        Limit(f"login * {username}", 100, period),
    ]


def signup_limits(address: str) -> list[Limit]:
    return [Limit(f"signup {address}", settings.signups_per_address, timedelta(hours=1))]


async def take(db: AsyncSession, limits: Sequence[Limit]) -> None:
    """Count an attempt. To count first leaves no gap for attempts at the same time.

    Raises:
        TooMany: There were too many.
    """
    time = await database.now(db)
    for limit in sorted(limits, key=lambda limit: limit.key):  # one order, so no deadlock
        over = Attempts.ends_at <= time
        new = insert(Attempts).values(key=limit.key, count=1, ends_at=time + limit.period)
        counted = new.on_conflict_do_update(
            index_elements=[Attempts.key],
            set_={
                "count": case((over, 1), else_=Attempts.count + 1),
                "ends_at": case((over, new.excluded.ends_at), else_=Attempts.ends_at),
            },
        ).returning(Attempts.count, Attempts.ends_at)
        count, ends_at = (await db.execute(counted)).one().tuple()
        if count > limit.number:
            raise TooMany(
                max(1, round((ends_at.replace(tzinfo=time.tzinfo) - time).total_seconds()))
            )


async def give_back(db: AsyncSession, limits: Sequence[Limit]) -> None:
    """Take an attempt back that was none."""
    for key in sorted(limit.key for limit in limits):
        query = update(Attempts).where(Attempts.key == key, Attempts.count > 0)
        await db.execute(query.values(count=Attempts.count - 1))


async def forget_old(db: AsyncSession) -> None:
    await db.execute(delete(Attempts).where(Attempts.ends_at <= await database.now(db)))
