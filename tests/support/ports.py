"""Free ports on loopback that nobody else can take between choosing and using them."""

from __future__ import annotations

import socket
from typing import Self

HOST = "127.0.0.1"


class Address:
    """What is served on a port of loopback."""

    port: int

    @property
    def url(self) -> str:
        """Base URL without a trailing slash, ``http://127.0.0.1:PORT``."""
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Base URL for WebSocket connections, ``ws://127.0.0.1:PORT``."""
        return f"ws://{HOST}:{self.port}"


class PortReservation:
    """A port of loopback, held by a bound socket that never listens.

    While it is held, the kernel gives the port neither to another ``bind(0)`` nor to an outgoing
    connection. A server that sets ``SO_REUSEADDR`` or ``SO_REUSEPORT`` (all of ours do) may
    listen on it, stop, and listen on it again.

    >>> with PortReservation() as reservation:
    ...     run_server(reservation.port)
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def listening_socket() -> socket.socket:
    """Return a socket that listens on a free port of loopback, to hand to a server."""
    # The protocol is named, as in servers that look their address up. Without it asyncio leaves
    # Nagle's algorithm in place, and small answers wait for the client's delayed ACK.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, 0))
    sock.listen(1024)
    return sock
