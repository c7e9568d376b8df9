"""Handing an accepted connection to another process that serves the same application.

A server's protocol class that reads the beginning of a request asks who has the session which is
named there. When that is another process, the connection itself goes there, with the bytes that
were read. The other process serves it as if it had accepted it.

The two sides meet in the :class:`Exchange` of their event loop, which the one that knows the other
processes opens.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Hashable
from typing import Any, Protocol, cast


class Recipient(Protocol):
    """Another process."""

    def hand_over(self, connection: socket.socket, data: bytes) -> bool:
        """Give it a connection, which is its own from then on.

        It comes back to the acceptor of :meth:`Exchange.register` when it was not taken.

        Args:
            connection: The connection; a duplicate that nothing else in this process uses.
            data: The bytes that were read from it.

        Returns:
            False when it cannot be given away now; the caller keeps it.
        """
        ...


Acceptor = Callable[[socket.socket, bytes], object]
"""Serves a connection, of which some bytes were read already."""


class Exchange:
    """The place in an event loop where connections come and go.

    Args:
        find: Returns the process that has a session; None when it is this one, or nobody.

    Attributes:
        find: The same.
        taking: Whether connections of other processes are taken.
    """

    def __init__(self, find: Callable[[str], Recipient | None]) -> None:
        self.find: Callable[[str], Recipient | None] = find
        self.taking: bool = True
        self._acceptors: dict[Hashable, Acceptor] = {}

    def register(self, address: Hashable, acceptor: Acceptor) -> None:
        """Note which server has the connections to a local address: a port, or a path."""
        self._acceptors[address] = acceptor

    def knows(self, address: Hashable) -> bool:
        """True if a server is registered for an address."""
        return address in self._acceptors

    def serves(self, connection: socket.socket) -> bool:
        """True if a server here has the connections to the address of this one."""
        try:
            return self.knows(_address(connection))
        except OSError:  # it is no connection
            return False

    def takes(self, connection: socket.socket) -> bool:
        """True if a connection of another process is taken."""
        return self.taking and self.serves(connection)

    def accept(self, connection: socket.socket, data: bytes) -> None:
        """Have a connection served here, by the server that takes it."""
        self._acceptors[_address(connection)](connection, data)


_exchanges: dict[asyncio.AbstractEventLoop, Exchange] = {}


def open_exchange(
    loop: asyncio.AbstractEventLoop, find: Callable[[str], Recipient | None]
) -> Exchange:
    """Open the exchange of an event loop, in place of the one before."""
    for other in [other for other in _exchanges if other.is_closed()]:
        del _exchanges[other]
    exchange = _exchanges[loop] = Exchange(find)
    return exchange


def close_exchange(loop: asyncio.AbstractEventLoop, exchange: Exchange) -> None:
    """Close the exchange of an event loop, unless another one has taken its place."""
    if _exchanges.get(loop) is exchange:
        del _exchanges[loop]


def exchange_of(loop: asyncio.AbstractEventLoop) -> Exchange | None:
    """The exchange of an event loop, if there is one."""
    return _exchanges.get(loop)


def _address(connection: socket.socket) -> Hashable:
    """The port, or the path of a Unix socket: the host may be one of several."""
    name: Any = connection.getsockname()
    return cast("Hashable", name[1] if isinstance(name, tuple) else name)
