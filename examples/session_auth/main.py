"""Log in on a page: requests and events share a session, and logging out ends both.

socketio-asgi run main:app
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, TypedDict

from fastapi import Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from sessions import LIFETIME, Session, Sessions, verify
from starlette.middleware.sessions import SessionMiddleware

from socketio_asgi import (
    CallNext,
    ConnectionRefused,
    Event,
    EventContext,
    EventError,
    Server,
    Socket,
)
from socketio_asgi.integrations.fastapi import mount

PAGES = Path(__file__).parent
# Another secret ends all sessions, and so does a new one for each start.
SECRET = os.environ.get("SESSION_SECRET") or secrets.token_hex(32)


class Client(TypedDict):
    """What is known of a client; its ``socket.data``."""

    session_id: str


current_count = Event("current count", int)

sessions = Sessions()
io = Server()
io.emits(current_count)

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=SECRET, max_age=LIFETIME, same_site="lax")
mount(app, "/socket.io", io)


def room_of(session_id: str) -> str:
    return f"session:{session_id}"


# -- events -------------------------------------------------------------------------------------


@io.use
async def authenticate(socket: Socket[Client]) -> None:
    """Let in who has logged in."""
    session_id = socket.handshake.connection.session.get("id", "")
    session = sessions.find(session_id)
    if session is None:
        raise ConnectionRefused("unauthorized")
    socket.data["session_id"] = session_id
    await socket.join(room_of(session_id), f"user:{session.username}")


@io.event_middleware
async def check_session(context: EventContext, call_next: CallNext) -> object:
    """Disconnect a client whose session has ended meanwhile."""
    if sessions.find(context.socket.data["session_id"]) is None:
        await context.socket.disconnect(close=True)
        raise EventError("unauthorized", "the session has ended")
    return await call_next(context)


@io.on("whoami")
async def whoami(socket: Socket[Client]) -> str:
    return sessions[socket.data["session_id"]].username


@io.on("incr")
async def count_event(socket: Socket[Client]) -> int:
    session_id = socket.data["session_id"]
    session = sessions[session_id]
    session.count += 1
    await socket.to(room_of(session_id)).emit(current_count, session.count)
    return session.count


# -- routes -------------------------------------------------------------------------------------


def find_session(request: Request) -> Session | None:
    return sessions.find(request.session.get("id", ""))


Found = Annotated[Session | None, Depends(find_session)]


@app.get("/")
def show_page(session: Found) -> Response:
    return see("/login") if session is None else FileResponse(PAGES / "index.html")


@app.get("/login")
def show_form(session: Found) -> Response:
    return FileResponse(PAGES / "login.html") if session is None else see("/")


@app.post("/login")
def log_in(
    request: Request,
    username: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=100)],
) -> Response:
    if not verify(username, password):
        return see("/login#wrong")
    request.session["id"] = sessions.begin(username)  # an id that nobody knew before
    return see("/")


@app.post("/logout")
async def log_out(request: Request) -> Response:
    session_id = request.session.pop("id", "")
    sessions.end(session_id)
    await io.in_(room_of(session_id)).disconnect_sockets(close=True)  # all tabs
    return see("/login")


@app.post("/incr")
async def count_request(request: Request, session: Found) -> int:
    if session is None:
        raise HTTPException(401)
    session.count += 1
    await io.to(room_of(request.session["id"])).emit(current_count, session.count)
    return session.count


def see(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)
