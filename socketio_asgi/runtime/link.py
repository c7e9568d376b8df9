"""The interface of byte streams, below connections that this package makes itself.

An owner is called back with what comes, and writes without waiting. What is written in one turn of
the loop goes out together.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final, Protocol

HAPPY_EYEBALLS_DELAY: Final = 0.25
"""Seconds that an address has before the next one is tried beside it (RFC 8305, section 5)."""


class LinkOwner(Protocol):
    """A connection, as its byte stream sees it."""

    def on_data(self, data: bytes) -> None:
        """Called with what came."""
        ...

    def on_drain(self) -> None:
        """Called when everything that was written has been handed to the operating system."""
        ...

    def on_end(self, error: Exception | None) -> None:
        """Called once, when the stream has ended; with None, one of the two sides has closed it.

        It is not called after :meth:`Link.abort`.
        """
        ...


class Link(Protocol):
    """A byte stream.

    Attributes:
        owner: The connection, which may hand the stream over to another one.
        waiting: The number of bytes that wait to be handed to the operating system, without a last
            piece.
    """

    owner: LinkOwner
    waiting: int

    @property
    def buffered(self) -> int:
        """The number of bytes that wait to be handed to the operating system, as far as known."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes, when this turn of the loop is over; does nothing after the end."""
        ...

    def pause_reading(self) -> None:
        """Call back with no more data, and let the other side wait."""
        ...

    def resume_reading(self) -> None:
        """Go on with what comes."""
        ...

    def close(self) -> None:
        """End the stream, in order if the other side takes what waits; else that is lost."""
        ...

    def abort(self) -> None:
        """End the stream at once; the owner hears nothing more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The other end of a stream.

    Attributes:
        host: The host: a name, or an address of IPv4 or IPv6.
        port: The port.
        path: The path of a Unix socket, in place of host and port.
        tls: How to encrypt; None for a plain stream.
        server_name: The name that the certificate has to be for; None is the host.
    """

    host: str = "localhost"
    port: int = 0
    path: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    @property
    def name(self) -> str:
        """The name that the certificate has to be for."""
        return self.server_name or self.host


class Nobody:
    """The owner of a stream that was aborted."""

    def on_data(self, data: bytes) -> None:
        """Drop it."""

    def on_drain(self) -> None:
        """Do nothing."""

    def on_end(self, error: Exception | None) -> None:
        """Do nothing."""


NOBODY = Nobody()
