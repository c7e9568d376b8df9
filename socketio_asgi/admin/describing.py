"""Sockets as the admin UI shows them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from ..engine import Session
from ..engine.handshake import Handshake
from ..protocol import Parser
from .presenting import present

MAX_ROOMS = 1000
"""Rooms of one socket that are shown."""

CREDENTIALS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers by which a client proves who it is: whoever sees them could act in its name."""

NOTE: Final = "_admin"
"""The key of a socket's data by which official servers tell each other of its connection."""


class Connection(NamedTuple):
    """The connection of a socket.

    Attributes:
        client: A name of the client, the same for its sockets in all namespaces.
        transport: The transport that it uses.
    """

    client: str | None
    transport: str | None

    @classmethod
    def of_session(cls, session: Session) -> Connection:
        """The connection of a socket of this process."""
        # Official servers show the beginning of the session id, which is a secret of the client.
        client = hashlib.sha256(session.id.encode()).hexdigest()[:12]
        return cls(client, session.transport.name)

    @classmethod
    def of_data(cls, data: Any) -> Connection:
        """The connection of a socket of another process, as that one has noted it."""
        match data:
            case {"_admin": {"clientId": str(client), "transport": str(transport)}}:
                return cls(client[:64], transport[:64])
            case _:
                return cls(None, None)

    def note(self) -> dict[str, Any]:
        """The note for other servers, beside the data of the socket."""
        return {NOTE: {"clientId": self.client, "transport": self.transport}}


class Described(NamedTuple):
    """A socket for the UI, and about the number of characters that it takes."""

    value: dict[str, Any]
    size: int


class ShownSocket(Protocol):
    """A socket of this process or of another one, as applications see it."""

    @property
    def id(self) -> str:
        """Its public id."""
        ...

    @property
    def data(self) -> Any:
        """The data that the application keeps with it."""
        ...

    @property
    def handshake(self) -> Handshake:
        """The handshake, by which the client introduced itself."""
        ...

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms it is in."""
        ...


def describe_socket(
    socket: ShownSocket, namespace: str, connection: Connection, parser: Parser
) -> Described:
    """A socket for the UI; the ``auth`` of its handshake is left out."""
    sid, handshake = socket.id, socket.handshake
    shown, size = present_data(socket.data, parser)
    headers = {key: value for key, value in handshake.headers.items() if key not in CREDENTIALS}
    address = headers.get("cf-connecting-ip") or headers.get("x-forwarded-for")
    introduction, more = present(
        {
            "address": address or handshake.address,
            "headers": headers,
            "query": dict(handshake.query),
            "issued": round(handshake.issued * 1000),
            "secure": handshake.secure,
            "time": handshake.time,
            "url": handshake.url,
            "xdomain": handshake.xdomain,
        },
        parser,
    )
    listed = list(islice((room for room in socket.rooms if room != sid), MAX_ROOMS))
    value = {
        "id": sid,
        "clientId": connection.client,
        "transport": connection.transport,
        "nsp": namespace,
        "data": shown,
        "handshake": introduction,
        "rooms": [sid, *listed],
    }
    return Described(value, size + more + sum(map(len, listed)))


def present_data(data: Any, parser: Parser) -> tuple[Any, int]:
    """The data of a socket, without what official servers note there."""
    shown, size = present(data, parser)
    if isinstance(shown, dict):
        shown.pop(NOTE, None)  # pyright: ignore[reportUnknownMemberType]
    return shown, size  # pyright: ignore[reportUnknownVariableType]


def now() -> str:
    """The present time, as JavaScript writes dates in JSON."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
