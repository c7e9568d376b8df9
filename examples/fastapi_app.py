"""A chat in FastAPI: accounts by JWT, rooms, validated events, and a database session per event.

uvicorn examples.fastapi_app:app

1. POST /accounts with {"name": "alice", "password": "…"}, or POST /token to log in again
2. connect with the token: io(url, { auth: { token } })
3. emit "join" and "say"; POST /rooms/{room}/announcements broadcasts
"""

# pyright: strict

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from socketio_asgi import ConnectionRefused, EventError, Server, Socket
from socketio_asgi.integrations.fastapi import mount

SECRET = os.environ.get("CHAT_SECRET", secrets.token_hex(32))
TOKEN_LIFETIME = timedelta(seconds=float(os.environ.get("CHAT_TOKEN_SECONDS", "3600")))
ROOM_SIZE = int(os.environ.get("CHAT_ROOM_SIZE", "50"))

engine = create_async_engine(os.environ.get("CHAT_DATABASE", "sqlite+aiosqlite:///chat.sqlite"))
sessions = async_sessionmaker(engine, expire_on_commit=False)


# -- data --------------------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"
    name: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[bytes]
    password: Mapped[bytes]


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(index=True)
    author: Mapped[str]
    text: Mapped[str]


class Credentials(BaseModel):
    name: str = Field(min_length=1, max_length=40)
    password: str = Field(min_length=8)


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


class MessageIn(BaseModel):
    room: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=1000)


class MessageOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    room: str
    author: str
    text: str


class RoomFull(EventError):
    code = "room_full"
    message = "there is no place left"
    details: dict[str, int]


# -- dependencies of routes and of events --------------------------------------------------------


async def get_session() -> AsyncGenerator[AsyncSession]:
    async with sessions.begin() as session:  # commits at the end, or rolls back
        yield session


# With the scope of a request, the default, it would end behind the response: who uses a new account
# at once would not find it. FastAPI 0.121 and newer know scopes.
Database = Annotated[AsyncSession, Depends(get_session, scope="function")]
bearer = OAuth2PasswordBearer("token")


async def get_account(token: Annotated[str, Depends(bearer)], session: Database) -> Account:
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        raise HTTPException(401, "the token has expired") from None
    except jwt.InvalidTokenError:
        raise HTTPException(401, "the token is invalid") from None
    account = await session.get(Account, claims["sub"])
    if account is None:
        raise HTTPException(401, "there is no such account")
    return account


CurrentAccount = Annotated[Account, Depends(get_account)]


# -- events --------------------------------------------------------------------------------------

io = Server(bearer_from_auth="token")


@io.use
async def authenticate(socket: Socket) -> None:
    """Refuse clients whose token is invalid, before they are connected."""
    try:
        jwt.decode(socket.handshake.auth.get("token", ""), SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise ConnectionRefused("unauthorized", {"reason": str(error)}) from None


@io.on("join", errors=[RoomFull])
async def join(
    socket: Socket,
    room: Annotated[str, Field(max_length=40)],
    account: CurrentAccount,
    db: Database,
) -> list[MessageOut]:
    """Join a room; answers with the latest messages in it."""
    members = await io.in_(room).fetch_sockets()
    if len(members) >= ROOM_SIZE:
        raise RoomFull(details={"limit": ROOM_SIZE})
    await socket.join(room)
    await socket.to(room).emit("joined", {"room": room, "name": account.name})
    latest = select(Message).where(Message.room == room).order_by(Message.id.desc()).limit(20)
    return [MessageOut.model_validate(message) for message in await db.scalars(latest)]


@io.on("say")
async def say(
    socket: Socket,
    message: MessageIn,
    account: CurrentAccount,
    db: Database,
    after: BackgroundTasks,
) -> MessageOut:
    """Keep a message; the others are told when it has been committed."""
    if message.room not in socket.rooms:
        raise EventError("not_in_room", f"join {message.room} first")
    row = Message(room=message.room, author=account.name, text=message.text)
    db.add(row)
    await db.flush()
    out = MessageOut.model_validate(row)
    after.add_task(socket.to(message.room).emit, "message", out)
    return out


@io.on("renew")
async def renew(socket: Socket, token: str) -> None:
    """Go on with a new token; the next event uses it."""
    try:
        jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise EventError("unauthorized", str(error)) from None
    socket.handshake.auth["token"] = token


# -- routes --------------------------------------------------------------------------------------


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
mount(app, "/socket.io", io)


def hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def make_token(name: str) -> Token:
    claims = {"sub": name, "exp": datetime.now(UTC) + TOKEN_LIFETIME}
    return Token(access_token=jwt.encode(claims, SECRET, algorithm="HS256"))


@app.post("/accounts", status_code=201)
async def create_account(given: Credentials, db: Database) -> Token:
    if await db.get(Account, given.name) is not None:
        raise HTTPException(409, "the name is taken")
    salt = secrets.token_bytes(16)
    db.add(Account(name=given.name, salt=salt, password=hashed(given.password, salt)))
    return make_token(given.name)


@app.post("/token")
async def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()], db: Database) -> Token:
    account = await db.get(Account, form.username)
    if account is None or not hmac.compare_digest(
        account.password, hashed(form.password, account.salt)
    ):
        raise HTTPException(401, "wrong name or password")
    return make_token(account.name)


@app.post("/rooms/{room}/announcements", status_code=202)
def announce(room: str, text: Annotated[str, Field(max_length=1000)], by: CurrentAccount) -> None:
    """Broadcast to a room; a plain function, which runs in a thread, may do so as well."""
    io.to(room).emit("announcement", {"room": room, "by": by.name, "text": text})


@app.get("/rooms/{room}/messages/count")
async def count_messages(room: str, db: Database) -> int:
    query = select(func.count()).select_from(Message).where(Message.room == room)
    return (await db.scalars(query)).one()
