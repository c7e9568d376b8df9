"""The routes: sign-up, log-in, who am I, log-out."""

from __future__ import annotations

import logging
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from . import attempts, database
from .attempts import TooMany
from .database import Database
from .models import Channel, Membership, User
from .passwords import TURNS, hash_password, is_password
from .schemas import Payload, Text
from .server import io, session_room
from .sessions import COOKIE, Login, begin_session, current_login, end_session, find_login

log = logging.getLogger("chat_platform")
router = APIRouter()

EVERYBODYS_CHANNEL = "General"


class SignUp(Payload):
    username: Annotated[Text, Field(min_length=2, max_length=32)]
    password: Annotated[str, Field(min_length=8, max_length=100)]


class LogIn(BaseModel):
    username: Annotated[Text, Field(max_length=32)]
    password: Annotated[str, Field(max_length=100)]


class Account(BaseModel):
    id: UUID
    username: str


@router.post("/signup", response_model=Account)
async def sign_up(given: SignUp, request: Request, response: Response) -> Account | Response:
    async with TURNS:
        async with Database.begin() as db:
            await attempts.take(db, attempts.signup_limits(address_of(request)))
        password = await hash_password(given.password)
    try:
        async with Database.begin() as db:
            user = await create_user(db, given.username, password)
            await replace_session(db, request, response, user.id)
    except IntegrityError:
        return JSONResponse({"message": "invalid payload"}, 400)  # the name is taken
    log.info("user %s has signed up", user.id)
    return Account(id=user.id, username=user.username)


@router.post("/login", response_model=Account)
async def log_in(given: LogIn, request: Request, response: Response) -> Account | Response:
    limits = attempts.login_limits(given.username, address_of(request))
    async with TURNS:  # whoever waits here is not counted yet
        async with Database.begin() as db:
            await attempts.take(db, limits)
            named = select(User).where(User.username == given.username)
            user = (await db.scalars(named)).one_or_none()
        is_right = await is_password(user.password if user else None, given.password)
    if not is_right or user is None:
        return JSONResponse({"message": "invalid credentials"}, 400)
    async with Database.begin() as db:
        await attempts.give_back(db, limits)
        await replace_session(db, request, response, user.id)
    log.info("user %s has logged in", user.id)
    return Account(id=user.id, username=user.username)


CurrentLogin = Annotated[Login | None, Depends(current_login)]


@router.get("/self", response_model=Account)
async def get_self(login: CurrentLogin) -> Account | Response:
    if login is None:
        return Response(status_code=401)
    return Account(id=login.user_id, username=login.username)


@router.post("/logout")
async def log_out(login: CurrentLogin) -> Response:
    if login is None:
        return Response(status_code=401)
    async with Database.begin() as db:
        await end_session(db, login.session_id)
    await io.in_(session_room(login.session_id)).disconnect_sockets(close=True)
    log.info("user %s has logged out", login.user_id)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


async def create_user(db: AsyncSession, username: str, password: str) -> User:
    """Make a user, who is in the channel of everybody.

    Raises:
        IntegrityError: The name is taken.
    """
    time = await database.now(db)
    user = User(username=username, password=password, is_online=False, last_ping=time)
    db.add(user)
    await db.flush()
    query = select(Channel.id).where(Channel.name == EVERYBODYS_CHANNEL)
    channel_id = (await db.scalars(query)).one()
    db.add(Membership(user_id=user.id, channel_id=channel_id))
    return user


async def replace_session(
    db: AsyncSession, request: Request, response: Response, user_id: UUID
) -> None:
    """Begin a session. The one that the browser had ends: nobody has its cookie any more."""
    old = await find_login(db, request.cookies.get(COOKIE))
    if old is not None:
        await end_session(db, old.session_id)
        await io.in_(session_room(old.session_id)).disconnect_sockets(close=True)
    await begin_session(db, response, user_id)


def address_of(request: Request) -> str:
    """The address of a client. Behind a proxy, uvicorn takes it from ``X-Forwarded-For``."""
    return request.client.host if request.client else ""


async def invalid(request: Request, error: Exception) -> Response:
    """Answer a request whose body does not fit; what came is not repeated, it has a password."""
    assert isinstance(error, RequestValidationError)
    if request.url.path.endswith("/login"):
        return JSONResponse({"message": "invalid credentials"}, 400)
    errors = [{key: each[key] for key in ("loc", "type", "msg")} for each in error.errors()]
    return JSONResponse({"message": "invalid payload", "errors": errors}, 400)


async def too_many(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TooMany)
    headers = {"Retry-After": str(error.seconds)}
    return JSONResponse({"message": "too many attempts"}, 429, headers)
