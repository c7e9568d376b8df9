"""Encryption of a stream by TLS: bytes in, bytes out.

The transports of asyncio and uvloop could do that as well. But they do not tell how much of what
was written still waits, uvloop drops it at the end, and the one of asyncio keeps a buffer of 256 KB
for each connection.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

PIECE: Final = 64 * 1024
"""Bytes that are decrypted in one go; a record has 16 KB at the most."""


class TLS:
    """The client's side of an encrypted stream.

    What is to be sent, as an effect of any call, is in :meth:`output`.

    Args:
        context: How to encrypt.
        name: The name that the certificate has to be for.

    Attributes:
        ready: Whether the handshake is over.
        ended: Whether the server has ended its side.
    """

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.ready: bool = False
        self.ended: bool = False

    def shake_hands(self) -> None:
        """Go on with the handshake, as far as what came allows.

        Raises:
            ssl.SSLError: The server has no certificate that is trusted, or no TLS.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.ready = True

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._incoming.write(data)

    def output(self) -> bytes:
        """Bytes to send, each time the new ones."""
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt data; the bytes to send.

        Raises:
            ssl.SSLError: The stream has failed.
            ssl.SSLWantReadError: Something else has to come before; then nothing was done.
        """
        self._tls.write(data)
        return self._outgoing.read()

    def decrypt(self) -> bytes:
        """The data in what came.

        Raises:
            ssl.SSLError: It is not valid.
        """
        pieces: list[bytes] = []
        try:
            while piece := self._tls.read(PIECE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> None:
        """Say that nothing more is sent (RFC 8446, section 6.1)."""
        with suppress(ssl.SSLError):  # the answer of the server is not waited for
            self._tls.unwrap()
