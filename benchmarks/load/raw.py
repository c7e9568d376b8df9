"""Clients on plain sockets, for all but streams of messages: connecting, polling, upgrading."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable

from tests.support.ports import HOST

from .meter import Meter

ADDRESSES = 8  # of loopback; each has 28 000 local ports, which closed connections hold for a while
READ_BYTES = 1 << 14  # more than any answer has; larger buffers cost more than the call
PATH = "/socket.io/?EIO=4&transport="
MASK = b"\x37\xfa\x21\x3d"
TEXT_FRAME, CLOSE_FRAME = 0x81, 0x88


def source_socket(index: int, *, blocking: bool = True) -> socket.socket:
    """A socket that is bound to one of several addresses of loopback."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((f"127.0.0.{1 + index % ADDRESSES}", 0))
    sock.setblocking(blocking)
    return sock


class RawClient:
    """One TCP connection, whose subclasses say what they do with the bytes that come.

    Args:
        meter: Is told when the server does something wrong.
        port: The server's.
        index: A number of the client, for its address.
    """

    def __init__(self, meter: Meter, port: int, index: int) -> None:
        self.meter = meter
        self.host = f"{HOST}:{port}"
        self._loop = asyncio.get_running_loop()
        self._socket = source_socket(index)
        self._socket.connect((HOST, port))  # on loopback that does not wait for the server
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except OSError as error:
            self.meter.fail(f"{type(self).__name__}: {error}")
            data = b""
        if data:
            self.received(data)
        else:
            self.close()
            self.closed()

    def write(self, data: bytes) -> None:
        """Send something short at once."""
        if self._socket.send(data) != len(data):
            self.meter.fail("the server does not read")

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._socket.fileno() != -1:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def received(self, data: bytes) -> None:
        """Called with what comes."""
        raise NotImplementedError

    def closed(self) -> None:
        """Called when the server closed the connection; that is wrong, unless a subclass waits."""
        if not self.meter.stopping:
            self.meter.fail(f"{type(self).__name__}: the server closed a connection")

    def unexpected(self, data: bytes) -> None:
        """End the run: this is not what the scenario asks for."""
        self.meter.fail(f"{type(self).__name__}: not what was expected: {data[:200]!r}")


class HttpClient(RawClient):
    """One HTTP connection that is kept alive; one request at a time."""

    def __init__(self, meter: Meter, port: int, index: int) -> None:
        super().__init__(meter, port, index)
        self._buffer = b""
        self._answered: Callable[[bytes], None] = self.unexpected

    def request(self, data: bytes, answered: Callable[[bytes], None]) -> None:
        """Send a whole request; ``answered`` is called with the body of its answer."""
        self._answered = answered
        self.write(data)

    def received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        body = _body(head, rest) if separator else None
        if body is None:
            return
        self._buffer = b""
        if head.startswith(b"HTTP/1.1 200"):
            self._answered(body)
        else:
            self.unexpected(head + body)


def _body(head: bytes, rest: bytes) -> bytes | None:
    """The body of an answer; None if some of it is missing."""
    _, found, value = head.lower().partition(b"\r\ncontent-length:")
    if found:
        return rest if len(rest) >= int(value.partition(b"\r\n")[0]) else None
    return _unchunk(rest) if rest.endswith(b"0\r\n\r\n") else None


def _unchunk(rest: bytes) -> bytes:
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body
        body += rest[:length]
        rest = rest[length + 2 :]


class PollingClient(HttpClient):
    """A client in the main namespace, on the polling transport; all on one connection.

    Attributes:
        ready: Done when the server answered to CONNECT.
        sid: The id of the session.
    """

    sid: str
    ready: asyncio.Future[None]

    def open(self) -> None:
        """Begin; :attr:`ready` tells the end."""
        self.ready = self.meter.future()
        self._poll = f"GET {PATH}polling HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        self.request(self._poll, self._opened)

    def _opened(self, body: bytes) -> None:
        self.sid = json.loads(body[1:])["sid"]
        self._poll = self._poll.replace(b"=polling", b"=polling&sid=" + self.sid.encode())
        self.post(b"40", lambda _: self.poll(self._joined))

    def _joined(self, body: bytes) -> None:
        if not body.startswith(b'40{"'):
            self.unexpected(body)
        self.ready.set_result(None)
        self.on_ready()

    def on_ready(self) -> None:
        """Called when the client is in the namespace."""

    def post_request(self, packet: bytes) -> bytes:
        """The request that sends a packet."""
        headers = b"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d" % len(packet)
        request = self._poll.replace(b"GET", b"POST", 1)
        return request[:-2] + headers + b"\r\n\r\n" + packet

    def post(self, packet: bytes, then: Callable[[bytes], None]) -> None:
        """Send a packet; ``then`` is called with the answer."""
        self.request(self.post_request(packet), then)

    def poll(self, then: Callable[[bytes], None]) -> None:
        """Ask for packets, and for more when these are a ping."""
        self._polled = then
        self.request(self._poll, self._got)

    def _got(self, body: bytes) -> None:
        if body == b"2":
            self.post(b"3", lambda _: self.poll(self._polled))
        else:
            self._polled(body)


class RawWebSocket(RawClient):
    """One WebSocket connection that understands short, unfragmented messages.

    Attributes:
        message: Called with each message, and with the content of a close frame.
    """

    def __init__(self, meter: Meter, port: int, index: int, sid: str = "") -> None:
        super().__init__(meter, port, index)
        self._buffer = b""
        self._accepted = False
        self.message: Callable[[bytes], None] = self.unexpected
        query = f"{PATH}websocket&sid={sid}" if sid else f"{PATH}websocket"
        self.write(handshake(self.host, query))

    def received(self, data: bytes) -> None:
        self._buffer += data
        if not self._accepted and not self._accept():
            return
        while (frame := self._next_frame()) is not None:
            self.message(frame)

    def _accept(self) -> bool:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self.unexpected(head)
        self._accepted = True
        self._buffer = rest
        self.opened()
        return True

    def _next_frame(self) -> bytes | None:
        buffer = self._buffer
        start = 2 if len(buffer) > 1 and buffer[1] < 126 else 4
        if len(buffer) < start:
            return None
        end = start + (buffer[1] if start == 2 else int.from_bytes(buffer[2:4]))
        if len(buffer) < end:
            return None
        self._buffer = buffer[end:]
        return buffer[start:end]

    def opened(self) -> None:
        """Called when the handshake was accepted."""


def handshake(host: str, path: str) -> bytes:
    """The request that opens a WebSocket connection."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def masked_frame(payload: bytes, kind: int = TEXT_FRAME) -> bytes:
    """A frame of a client, of less than 126 bytes."""
    masked = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    return bytes((kind, 0x80 | len(payload))) + MASK + masked
