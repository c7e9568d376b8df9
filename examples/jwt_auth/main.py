"""Log in for a token: requests and connections carry it, and end with it.

socketio-asgi run main:app
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path
from typing import Annotated, TypedDict

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from socketio_asgi import Server, Socket
from socketio_asgi.integrations.fastapi import mount

PAGE = Path(__file__).with_name("index.html")
# Another secret makes all tokens invalid, and so does a new one for each start.
SECRET = os.environ.get("JWT_SECRET") or secrets.token_hex(32)
LIFETIME = float(os.environ.get("JWT_SECONDS", "3600"))
ISSUER, AUDIENCE = "accounts.example.com", "example.com"


# -- users, who stand for your database ---------------------------------------------------------


class User(BaseModel):
    id: int
    username: str


SALT = secrets.token_bytes(16)


def hashed(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1)


USERS = {"john": User(id=1, username="john")}
PASSWORDS = {"john": hashed("changeit")}  # a database has a salt for each user


# -- tokens -------------------------------------------------------------------------------------


class Claims(BaseModel):
    sub: str
    exp: float


def make_token(user: User) -> str:
    claims = {"sub": user.username, "exp": time.time() + LIFETIME, "iss": ISSUER, "aud": AUDIENCE}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def read_token(given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> Claims:
    """The claims of the token in a request, or in the ``auth`` of a client."""
    try:
        claims = jwt.decode(
            given.credentials,
            SECRET,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, str(error)) from None
    return Claims.model_validate(claims)


def find_user(claims: Annotated[Claims, Depends(read_token)]) -> User:
    user = USERS.get(claims.sub)
    if user is None:
        raise HTTPException(401, "there is no such user")
    return user


TokenClaims = Annotated[Claims, Depends(read_token)]
CurrentUser = Annotated[User, Depends(find_user)]


# -- events -------------------------------------------------------------------------------------


class Client(TypedDict):
    """What is known of a client; its ``socket.data``."""

    username: str
    expires: float


io = Server(bearer_from_auth="token")
timers: dict[str, asyncio.TimerHandle] = {}


@io.use
async def authenticate(socket: Socket[Client], claims: TokenClaims, user: CurrentUser) -> None:
    """Let in who has a valid token."""
    socket.data.update(username=user.username, expires=claims.exp)
    await socket.join(f"user:{user.id}")


@io.on("connection")
async def end_in_time(socket: Socket[Client]) -> None:
    """Disconnect the client when its token expires."""
    seconds = socket.data["expires"] - time.time()
    timers[socket.id] = asyncio.get_running_loop().call_later(seconds, socket.disconnect)


@io.on("disconnect")
async def forget(socket: Socket[Client]) -> None:
    timers.pop(socket.id).cancel()


@io.on("whoami")
async def whoami(socket: Socket[Client]) -> str:
    return socket.data["username"]


# -- routes -------------------------------------------------------------------------------------


class Credentials(BaseModel):
    username: str = Field(max_length=100)
    password: str = Field(max_length=100)


class Token(BaseModel):
    token: str


app = FastAPI()
mount(app, "/socket.io", io)


@app.get("/")
def show_page() -> FileResponse:
    return FileResponse(PAGE)


@app.post("/login")
def log_in(given: Credentials) -> Token:
    known = PASSWORDS.get(given.username, b"")
    if not hmac.compare_digest(known, hashed(given.password)):
        raise HTTPException(401, "wrong name or password")
    return Token(token=make_token(USERS[given.username]))


@app.get("/self")
def show_self(user: CurrentUser) -> User:
    return user
