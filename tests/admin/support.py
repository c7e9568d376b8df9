"""Pages of the admin UI, as far as the server sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio

from socketio_asgi.admin import BasicAuth
from tests.support.peer import Peer

PASSWORD = "changeit"
HASH = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.efkhT3/s22LbP/C2DtpTEl595F6z7Ae"
"""Of that password, with the fewest rounds that there are."""

AUTH = BasicAuth(username="admin", password=HASH)
RIGHT = {"username": "admin", "password": PASSWORD}
FEATURES = ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"]


class Page:
    """A page that has joined the admin namespace.

    Attributes:
        peer: its connection.
        log: the events that came, in their order.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.log: list[list[Any]] = []

    async def next(self) -> list[Any]:
        """The next event."""
        event = await self.peer.event()
        self.log.append(event)
        return event

    async def wait_for(
        self, name: str, fits: Callable[..., bool] = lambda *_: True, timeout: float = 10
    ) -> list[Any]:
        """Wait for an event of that name; returns its arguments."""
        with anyio.fail_after(timeout):
            while True:
                event = await self.next()
                if event[0] == name and fits(*event[1:]):
                    return event[1:]

    async def begin(self) -> list[Any]:
        """Wait for all that comes at the beginning; returns the sockets that there are."""
        (sockets,) = await self.wait_for("all_sockets")
        found: list[Any] = sockets
        return found

    async def command(self, name: str, *args: Any) -> None:
        await self.peer.emit(name, *args)

    def seen(self, *names: str) -> list[list[Any]]:
        """The events of those names, so far."""
        return [event for event in self.log if event[0] in names]
