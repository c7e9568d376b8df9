"""The opening handshake of a WebSocket: the request, and the answer if it is another one.

Source: RFC 6455, section 4.1
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from ...checks import shown
from ...exceptions import TransportError
from ...runtime import Event, Runtime
from ...runtime.links import Link, LinkOwner
from ...websocket.headers import Header, split_head
from ...websocket.opening_request import new_key, upgrade_request
from ...websocket.opening_response import BadResponse, HandshakeRefused, parse_response
from .address import Address
from .failures import reason_of

MAX_BODY: Final = 4096
"""Bytes of the body of a refusal that are read, for the error."""

BODY_SECONDS: Final = 1.0
"""Time for the body of a refusal; the status says the most."""

_HTTP: Final = b"HTTP/1."


class Opened(NamedTuple):
    """A byte stream after the handshake.

    Attributes:
        link: The stream; nobody owns it.
        rest: What came after the handshake.
        ended: Whether the stream has ended by now.
        error: The reason for that.
    """

    link: Link
    rest: bytes
    ended: bool
    error: Exception | None


async def shake_hands(
    connect: Callable[[LinkOwner], Awaitable[Link]],
    address: Address,
    headers: Mapping[str, str],
    runtime: Runtime,
    keep_cookies: Callable[[list[Header]], object],
) -> Opened:
    """Connect, and make the connection a WebSocket; nothing stays open when that fails.

    Args:
        connect: Opens the byte stream.
        address: The server.
        headers: The headers, their names in lower case.
        runtime: The event loop.
        keep_cookies: Called with the headers of the answer, whatever it is.

    Raises:
        TransportError: The server cannot be reached, refuses it, or answers with nonsense.
        ValueError: A header is not valid.
    """
    key = new_key()
    host = headers.get("host", address.authority)
    more = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    more = [header for header in more if header[0] != b"host"]
    request = upgrade_request(host, address.target, key, headers=more)
    answer = _Answer(runtime)
    link = await connect(answer)
    try:
        link.write(request)
        keep_cookies(await _read_response(answer, address, key, keep_cookies))
    except BaseException:
        link.abort()
        raise
    return Opened(link, answer.data, answer.ended, answer.error)


async def _read_response(
    answer: _Answer, address: Address, key: bytes, keep_cookies: Callable[[list[Header]], object]
) -> list[Header]:
    try:
        while True:
            head = await answer.head()
            try:
                return parse_response(head, key).headers
            except HandshakeRefused as refusal:
                if refusal.status >= 200:  # else there is another one to come
                    keep_cookies(refusal.headers)
                    raise await _refusal(refusal, answer, address) from None
    except (BadResponse, ValueError) as error:
        raise TransportError(
            f"{address.location} did not answer as a WebSocket: {error}"
        ) from error
    except EOFError as error:
        reason = "it closed the connection" if answer.error is None else reason_of(answer.error)
        raise TransportError(
            f"{address.location} did not answer the request for a WebSocket: {reason}"
        ) from error


async def _refusal(refusal: HandshakeRefused, answer: _Answer, address: Address) -> TransportError:
    status, headers = refusal.status, dict(refusal.headers)
    location = headers.get(b"location", b"").decode("latin-1")
    body = (await answer.body(headers)).decode("utf-8", "replace")
    if 300 <= status < 400 and location:
        message = (
            f"{address.location} sends elsewhere ({status}): connect with the right address,"
            f" which is at {shown(location)}"
        )
    else:
        said = f": {shown(body)}" if body else ""
        message = f"{address.location} refused the WebSocket with status {status}{said}"
    return TransportError(message, status, body)


class _Answer:
    """What a server sends before there is a WebSocket; the first owner of the byte stream."""

    def __init__(self, runtime: Runtime) -> None:
        self.data = b""
        self.ended = False
        self.error: Exception | None = None
        self._runtime = runtime
        self._changed: Event = runtime.event()

    def on_data(self, data: bytes) -> None:
        """More came."""
        self.data += data
        self._changed.set()

    def on_drain(self) -> None:
        """The request is short."""

    def on_end(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self.ended, self.error = True, error
        self._changed.set()

    async def _more(self) -> None:
        """Wait for more.

        Raises:
            EOFError: There is none.
        """
        if self.ended:
            raise EOFError
        self._changed = self._runtime.event()
        await self._changed.wait()

    async def head(self) -> bytes:
        """The head of the answer; what follows is in ``data``.

        Raises:
            EOFError: The stream ended before.
            ValueError: It is too large, or the beginning of something else.
        """
        while (found := split_head(self.data)) is None:
            if self.data[: len(_HTTP)] != _HTTP[: len(self.data)]:
                raise ValueError(f"this is no HTTP: {shown(self.data[:100])}")
            await self._more()
        head, self.data = found
        return head

    async def body(self, headers: dict[bytes, bytes]) -> bytes:
        """The beginning of the body, as far as it comes soon."""
        chunked = b"chunked" in headers.get(b"transfer-encoding", b"").lower()
        length = headers.get(b"content-length", b"")
        wanted = min(MAX_BODY, int(length)) if length.isdigit() else MAX_BODY
        with suppress(TimeoutError, EOFError):
            await self._runtime.within(BODY_SECONDS, self._collect(wanted, chunked=chunked))
        return (_unchunked(self.data) if chunked else self.data)[:wanted]

    async def _collect(self, wanted: int, *, chunked: bool) -> None:
        while len(self.data) < wanted and not (chunked and self.data.endswith(b"0\r\n\r\n")):
            await self._more()


def _unchunked(data: bytes) -> bytes:
    """The content of chunks, as far as they came (RFC 9112, section 7.1)."""
    content = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            return content
        if not found or size <= 0:
            return content
        content += data[:size]
        data = data[size + 2 :]
