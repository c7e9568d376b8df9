"""The memory of a connection: namespaces that its client is about to join, or has left.

Also the packets that answer it, and what one that comes back had there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from ..adapters import RestoredSocket
from ..exceptions import ConnectionRefused
from ..protocol import Packet, PacketType
from ..protocol.handshake import Connected, ConnectRefusal, connect_error_payload, connect_payload
from ..runtime.log_limit import may_log_fault
from .namespace_core import NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_LEFT_NAMES = 1000
"""Names of namespaces that a client has left, and that are remembered: a packet for one of them was
under way. Of one that has left more, a packet for any namespace that it is not in is dropped."""


MAX_NAME_LENGTH = 4096
"""Characters of the name of a namespace that a client may ask for: where namespaces are dynamic it
may make it up, and some are kept after it has left."""

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that no such name has: they would be taken for lines where the log shows it."""


class LeftNames:
    """The names of the namespaces that a client has left."""

    __slots__ = ("_any", "_names")

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._any = False

    def __contains__(self, name: str) -> bool:
        return self._any or name in self._names

    def add(self, name: str) -> None:
        """Remember a name, or, when there are too many, that it may be any."""
        self._names.add(name)
        if len(self._names) > MAX_LEFT_NAMES:
            self._any = True
            self._names.clear()

    def discard(self, name: str) -> None:
        """Forget a name: the client is in there again."""
        self._names.discard(name)


class Lookup:
    """A namespace that is looked for, before there is a socket.

    Attributes:
        auth: What the client gave with its CONNECT.
        size: The bytes that it takes if it is large.
        held: Events that came meanwhile, because the client was in there before.
    """

    __slots__ = ("auth", "held", "size")

    def __init__(self, auth: Mapping[str, Any], size: int) -> None:
        self.auth: Mapping[str, Any] = auth
        self.size: int = size
        self.held: list[Packet] = []


def acceptance_packet(revision: int, name: str, joined: Connected) -> Packet:
    """The packet that tells a client that it has joined a namespace."""
    return Packet(PacketType.CONNECT, name, connect_payload(revision, joined))


def refusal_packet(revision: int, name: str, error: ConnectionRefused) -> Packet:
    """The packet that tells a client why it may not join a namespace."""
    refusal = ConnectRefusal(error.message, error.data)
    return Packet(PacketType.CONNECT_ERROR, name, connect_error_payload(revision, refusal))


def unknown_packet(name: str) -> Packet:
    """The packet that tells a client that there is no such namespace."""
    # The same for 2.x clients, unlike a refusal by a middleware.
    return Packet(PacketType.CONNECT_ERROR, name, {"message": "Invalid namespace"})


async def restore(namespace: NamespaceCore, auth: Mapping[str, Any]) -> RestoredSocket | None:
    """The saved state of the socket that a client claims to continue."""
    pid, offset = auth.get("pid"), auth.get("offset")
    if namespace.recovery is None or not isinstance(pid, str):
        return None
    if not (offset is None or isinstance(offset, str)):
        return None
    namespace.take_over(pid)
    log = namespace.adapter.log
    if log is None:
        return None
    try:
        return await log.find(pid, offset)
    except Exception as error:
        if may_log_fault("recovery", error):
            logger.exception("a session cannot be restored; the client starts anew")
        return None
