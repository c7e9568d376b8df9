"""The kinds of transports that there are.

Options, admission, the OPEN packet and the entry point take from here what they have to know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .base import Transport
from .polling import PollingTransport
from .websocket_base import WebSocketBase

TRANSPORTS: Mapping[str, type[Transport]] = {
    kind.name: kind for kind in (PollingTransport, WebSocketBase)
}
"""The kinds of transports by their names; a client prefers the first."""

SCOPE_TYPES: frozenset[str] = frozenset(kind.scope_type for kind in TRANSPORTS.values())
"""The types of ASGI scopes that clients arrive in."""


def upgrades(name: str, allowed: Collection[str]) -> list[str]:
    """The transports, of those that are allowed, for which a client may leave another one."""
    return [
        kind.name
        for kind in TRANSPORTS.values()
        if name in kind.upgrades_from and kind.name in allowed
    ]
