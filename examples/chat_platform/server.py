"""The Socket.IO server, the form of what it answers, and the names of its rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID

from socketio_asgi import (
    CallNext,
    Cors,
    ErrorDetail,
    EventContext,
    EventError,
    EventValidationError,
    Server,
    Socket,
)
from socketio_asgi.adapters import PostgresAdapter

from .sessions import authorize
from .settings import settings


class Failure(TypedDict):
    """The answer to an event that could not be done."""

    status: Literal["ERROR"]
    errors: NotRequired[list[ErrorDetail]]
    """What is wrong with the payload, if that is the reason."""


class Refused(EventError):
    """What an event asks for is not there, is there already, or is not for this user.

    The answer does not say which: whoever tries the ids of others learns nothing from it.
    """

    code = "refused"


def failure(error: EventError) -> Failure:
    """Write an error in the form that the clients of this application know."""
    if isinstance(error, EventValidationError):
        return {"status": "ERROR", "errors": error.details}
    return {"status": "ERROR"}


@dataclass(frozen=True)
class Visitor:
    """What the server keeps with a socket: whose it is, and by which session."""

    user_id: UUID
    session_id: str


ChatSocket = Socket[Visitor]

io = Server(
    adapter=PostgresAdapter(settings.postgres_url) if settings.postgres_url else None,
    allow_request=authorize,
    # CORSMiddleware in main.py writes the headers of all responses, these included.
    cors=Cors(origins=settings.page_origins, credentials=True, headers=False),
    error_ack=failure,
)

WITHOUT_ACK: Sequence[str] = ("message:typing",)


@io.event_middleware
async def only_with_ack(context: EventContext, call_next: CallNext) -> Any:
    """Do nothing for a client that does not want to know what came of it."""
    if context.wants_ack or context.event in WITHOUT_ACK:
        return await call_next(context)
    return None


def channel_room(channel_id: UUID) -> str:
    """Everybody in a channel."""
    return f"channel:{channel_id}"


def user_room(user_id: UUID) -> str:
    """The tabs and devices of a user."""
    return f"user:{user_id}"


def session_room(session_id: str) -> str:
    """The tabs of one browser, which one log-out disconnects."""
    return f"session:{session_id}"


def state_room(user_id: UUID) -> str:
    """Those who want to know whether a user is there."""
    return f"user_state:{user_id}"
