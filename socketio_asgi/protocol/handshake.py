"""The payloads by which both sides introduce themselves: OPEN, CONNECT and CONNECT_ERROR.

Each is made by one side and read by the other, and both are here. What differs for the clients and
servers of version 2.x, which speak revision 3 of Engine.IO, is said at each function.

Source: https://socket.io/docs/v4/engine-io-protocol/#handshake and
https://socket.io/docs/v4/socket-io-protocol/#connection-to-a-namespace
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from .errors import DecodeError

MILLISECONDS = 1000
"""The unit of times on the wire, in parts of a second."""


class OpenHandshake(NamedTuple):
    """The settings of a session, as its client learns them.

    Attributes:
        sid: The session id.
        upgrades: The transports that the client may move on to.
        ping_interval: The time between two pings, in seconds.
        ping_timeout: The time that a pong may take, in seconds.
        max_payload: The largest payload that the server accepts, in bytes; None when it does not
            say, as servers of version 2.x.
    """

    sid: str
    upgrades: tuple[str, ...]
    ping_interval: float
    ping_timeout: float
    max_payload: int | None


class OpenEncoder:
    """Encodes the OPEN payloads of a server: all but the session id is encoded once.

    Args:
        upgrades: The transports that the client may move on to.
        ping_interval: The time between two pings, in seconds.
        ping_timeout: The time that a pong may take, in seconds.
        max_payload: The largest payload that the server accepts, in bytes.
    """

    __slots__ = ("_rest",)

    def __init__(
        self,
        *,
        upgrades: Sequence[str],
        ping_interval: float,
        ping_timeout: float,
        max_payload: int,
    ) -> None:
        settings = {
            "upgrades": list(upgrades),
            "pingInterval": round(ping_interval * MILLISECONDS),
            "pingTimeout": round(ping_timeout * MILLISECONDS),
            "maxPayload": max_payload,
        }
        self._rest = orjson.dumps(settings).decode().removeprefix("{")

    def encode(self, sid: str) -> str:
        """The payload for one session."""
        return f'{{"sid":{orjson.dumps(sid).decode()},{self._rest}'


def decode_open(payload: str) -> OpenHandshake:
    """Read the OPEN payload of a server; unknown settings are ignored.

    Raises:
        DecodeError: It is not such a payload.
    """
    settings = _loads(payload)
    match settings:
        case {
            "sid": str(sid),
            "upgrades": list(),
            "pingInterval": int() | float() as interval,
            "pingTimeout": int() | float() as timeout,
        } if sid:
            upgrades = tuple(str(name) for name in settings["upgrades"])
            limit = settings.get("maxPayload")
            return OpenHandshake(
                sid,
                upgrades,
                interval / MILLISECONDS,
                timeout / MILLISECONDS,
                limit if isinstance(limit, int) else None,
            )
        case _:
            raise DecodeError("Engine.IO", "the handshake is not complete")


def _loads(payload: str) -> dict[str, Any]:
    try:
        settings = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise DecodeError("Engine.IO", "the handshake is not JSON") from error
    return cast("dict[str, Any]", settings) if isinstance(settings, dict) else {}


# -- joining a namespace -----------------------------------------------------------------------


def connect_name(revision: int, namespace: str, query: Mapping[str, str]) -> str:
    """The namespace in the CONNECT of a client.

    In revision 3 it is the only place for what the client says about itself; later it says that
    in the payload.
    """
    return f"{namespace}?{urlencode(query)}" if revision == 3 and query else namespace


def split_connect_name(name: str) -> tuple[str, dict[str, str]]:
    """The namespace and the query in the CONNECT of a client of revision 3."""
    parts = urlsplit(name, allow_fragments=False)
    return parts.path or "/", dict(parse_qsl(parts.query, keep_blank_values=True))


@dataclass(slots=True)
class Connected:
    """The answer of a server that let a client join a namespace.

    Attributes:
        sid: The public id of the socket; None in revision 3, which does not say.
        pid: The secret by which the client may continue the socket later; None for none.
    """

    sid: str | None
    pid: str | None = None


def connect_payload(revision: int, connected: Connected) -> dict[str, str] | None:
    """The CONNECT payload of a server; there is none in revision 3."""
    if revision == 3 or connected.sid is None:
        return None
    payload = {"sid": connected.sid}
    if connected.pid is not None:
        payload["pid"] = connected.pid
    return payload


def read_connect(revision: int, payload: Any) -> Connected:
    """Read the CONNECT payload of a server.

    Raises:
        DecodeError: It has no socket id, as from a server of version 2.x.
    """
    if revision == 3:
        return Connected(None)
    match payload:
        case {"sid": str(sid), "pid": str(pid)}:
            return Connected(sid, pid)
        case {"sid": str(sid)}:
            return Connected(sid)
        case _:
            raise DecodeError("Socket.IO", "the answer to CONNECT has no socket id")


class ConnectRefusal(NamedTuple):
    """The answer of a server that did not let a client join a namespace.

    Attributes:
        message: The sentence for the user; empty in revision 3 where data take its place.
        data: More about it: any JSON value, None for nothing.
    """

    message: str
    data: Any = None


def connect_error_payload(revision: int, refusal: ConnectRefusal) -> Any:
    """The CONNECT_ERROR payload of a server; in revision 3, the data or else the bare message."""
    message, data = refusal
    if revision == 3:
        return message if data is None else data
    return {"message": message} if data is None else {"message": message, "data": data}


def read_connect_error(payload: Any) -> ConnectRefusal:
    """Read the CONNECT_ERROR payload of a server, of whichever revision."""
    match payload:
        case str(message):
            return ConnectRefusal(message)
        case {"message": str(message), "data": data}:
            return ConnectRefusal(message, data)
        case {"message": str(message)}:
            return ConnectRefusal(message)
        case _:
            return ConnectRefusal("", payload)
