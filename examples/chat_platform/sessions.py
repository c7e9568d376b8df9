"""Who has logged in, and with which browser. Sessions are rows, so one of them can be ended."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from socketio_asgi import EngineRequest, RequestRefused

from . import database
from .database import Database
from .models import User, WebSession
from .settings import settings

COOKIE = "sid"
LIFETIME = timedelta(days=30)


@dataclass(frozen=True)
class Login:
    """A session, and whose it is."""

    session_id: str
    user_id: UUID
    username: str


def session_id_of(token: str) -> str:
    """What the table has for the token of a cookie.

    Whoever reads the table, in a backup for example, does not get into anybody's account: the
    token cannot be computed from it, and without the secret no row can be made for a chosen token.
    """
    return hmac.digest(settings.session_secret, token.encode(), "sha256").hex()


async def begin_session(db: AsyncSession, response: Response, user_id: UUID) -> None:
    """Log a user in with this browser.

    The token is always a new one: a cookie that somebody has planted before is worth nothing.
    """
    token = secrets.token_urlsafe(32)
    expires_at = await database.now(db) + LIFETIME
    db.add(WebSession(id=session_id_of(token), user_id=user_id, expires_at=expires_at))
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,  # scripts cannot read it
        secure=settings.cookie_secure,
        samesite="lax",  # the forms of other sites do not send it
    )


async def find_login(db: AsyncSession, token: str | None) -> Login | None:
    """The session of a cookie, unless it has ended."""
    if not token:
        return None
    query = (
        select(WebSession.id, User.id, User.username)
        .join(User, User.id == WebSession.user_id)
        .where(
            WebSession.id == session_id_of(token), WebSession.expires_at > await database.now(db)
        )
    )
    row = (await db.execute(query)).one_or_none()
    return Login(*row.tuple()) if row else None


async def is_valid(db: AsyncSession, session_id: str) -> bool:
    """Whether a session has not been ended."""
    return await db.get(WebSession, session_id) is not None


async def end_session(db: AsyncSession, session_id: str) -> None:
    await db.execute(delete(WebSession).where(WebSession.id == session_id))


async def end_expired(db: AsyncSession) -> list[str]:
    """Delete sessions whose time is over; returns their ids."""
    query = delete(WebSession).where(WebSession.expires_at <= await database.now(db))
    return list(await db.scalars(query.returning(WebSession.id)))


async def current_login(request: Request) -> Login | None:
    """For routes: who sends the request."""
    async with Database() as db:
        return await find_login(db, request.cookies.get(COOKIE))


async def authorize(request: EngineRequest) -> None:
    """For the Socket.IO server: no connection without a session.

    It is asked at the first request of a client, before there is anything to connect to, and what
    it finds stays with the connection: ``connections.py`` reads it there.
    """
    async with Database() as db:
        login = await find_login(db, request.connection.cookies.get(COOKIE))
    if login is None:
        raise RequestRefused("Unauthorized", status=401)
    request.connection.state.login = login
