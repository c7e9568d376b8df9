"""A connection between two workers: frames in both directions, some with a descriptor.

    4 bytes   the length of the rest, big-endian
    1 byte    the kind of the frame
    the rest  what it says

A descriptor travels with the first byte of its frame. So it has come when the frame has.
"""

from __future__ import annotations

import array
import contextlib
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from enum import IntEnum

from ...runtime import Cancellable, Runtime

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_FRAME = 16 * 1024 * 1024
"""The longest frame, in bytes; messages of a cluster are shorter."""

MAX_UNSENT = 16 * 1024 * 1024
"""Bytes that wait for a worker which does not read; then what it should get is dropped."""

MAX_DESCRIPTORS = 64
"""The most descriptors that wait to be claimed by their frames."""

ENDED = "it has ended"
"""The reason when the other end is gone, and nothing is wrong."""

_SEGMENT = 256 * 1024
_HEAD = struct.Struct("!IB")
_CLOSE_ON_EXEC: int = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class FrameKind(IntEnum):
    """The kinds of frames."""

    HELLO = 0
    MESSAGE = 1
    HANDOVER = 2
    HANDOVER_ANSWER = 3
    SESSIONS = 4
    RELAY = 5


class Link:
    """One end of a connection.

    Args:
        runtime: The event loop.
        sock: The connected socket.
        on_frame: Called with each frame: its kind, and what it says. A ValueError ends the link.
        on_end: Called once, with the reason, when the other end is gone or was dropped.
    """

    def __init__(
        self,
        runtime: Runtime,
        sock: socket.socket,
        on_frame: Callable[[int, bytes], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._sock = sock
        self._on_frame = on_frame
        self._on_end = on_end
        self._received = bytearray()
        self._descriptors: deque[int] = deque()
        # What waits for the end of the turn, or for the socket; a descriptor belongs to the first
        # byte.
        self._unsent: deque[tuple[memoryview, socket.socket | None]] = deque()
        self._unsent_size = 0
        self._writing: Cancellable | None = None
        self._sends_soon = False
        # As a sender of the runtime; see begin_sending().
        self.context: Context = copy_context()
        self.send_task: Cancellable | None = None
        self.closed: bool = False
        # Not before it is needed: some platforms have neither descriptors nor these sockets.
        self._ancillary_size = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
        self._reading: Cancellable = runtime.on_readable(sock, self._on_readable)

    # -- out ---------------------------------------------------------------------------------

    def send(self, kind: FrameKind, *parts: bytes, carried: socket.socket | None = None) -> bool:
        """Send a frame; False when the other end reads too little, and the frame is dropped.

        Args:
            kind: The kind of the frame.
            *parts: What it says.
            carried: A socket that goes with it, to be kept open until its arrival is confirmed.
        """
        if self.closed:
            return False
        size = sum(map(len, parts)) + 1
        if size > MAX_FRAME or (self._unsent and self._unsent_size + size > MAX_UNSENT):
            return False
        data = b"".join((_HEAD.pack(size, kind), *parts))
        # Messages of one turn go together. What is about connections and sessions goes at once:
        # the other end has to know of a session before the next request of its client comes.
        waits = kind is FrameKind.MESSAGE
        if not waits and self._writing is None:
            self._flush()
        if self._unsent or waits:
            self._keep(memoryview(data), carried)
            if self._writing is None and not self._sends_soon:
                self._sends_soon = True
                self._runtime.send_after_turn(self)
            return True
        try:
            sent = self._write(data, carried)
        except OSError as error:  # such as too many descriptors on their way, of all processes
            logger.warning("nothing can be sent to another worker: %s", error)
            return False
        if sent < len(data):
            self._keep(memoryview(data)[sent:], None if sent else carried)
            self._writing = self._runtime.on_writable(self._sock, self._flush)
        return True

    def _keep(self, data: memoryview, carried: socket.socket | None) -> None:
        self._unsent.append((data, carried))
        self._unsent_size += len(data)

    def _write(self, data: bytes | memoryview, carried: socket.socket | None) -> int:
        try:
            if carried is None:
                return self._sock.send(data)
            numbers = array.array("i", [carried.fileno()])
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)]
            return self._sock.sendmsg([data], rights)
        except (BlockingIOError, InterruptedError):
            return 0
        except (BrokenPipeError, ConnectionResetError):
            # The reader notices it as well, behind what the other end has sent before.
            return len(data)

    def begin_sending(self) -> None:
        """Send the frames of a turn of the event loop together."""
        self._sends_soon = False
        if self._writing is None and not self.closed:
            self._flush()

    def _flush(self) -> None:
        while self._unsent:
            data, carried = self._take_unsent()
            try:
                sent = self._write(data, carried)
            except OSError as error:
                return self.end(str(error))
            self._unsent_size -= sent
            if sent < len(data):
                self._unsent.appendleft((data[sent:], None if sent else carried))
                if self._writing is None and not self.closed:
                    self._writing = self._runtime.on_writable(self._sock, self._flush)
                return None
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _take_unsent(self) -> tuple[memoryview, socket.socket | None]:
        """The frames that wait up to the next one with a descriptor, about a segment of them."""
        data, carried = self._unsent.popleft()
        parts, size = [data], len(data)
        while self._unsent and self._unsent[0][1] is None and size < _SEGMENT:
            data, _ = self._unsent.popleft()
            parts.append(data)
            size += len(data)
        return (parts[0] if len(parts) == 1 else memoryview(b"".join(parts))), carried

    # -- in ----------------------------------------------------------------------------------

    def take_descriptor(self) -> int:
        """The descriptor of the frame that is being read, which the caller owns from now on.

        Raises:
            ValueError: It has none.
        """
        if not self._descriptors:
            raise ValueError("a frame without the descriptor that it needs")
        return self._descriptors.popleft()

    def _on_readable(self) -> None:
        try:
            data, ancillary, flags, _ = self._sock.recvmsg(
                _SEGMENT, self._ancillary_size, _CLOSE_ON_EXEC
            )
        except (BlockingIOError, InterruptedError):
            return
        except ConnectionResetError:  # it has not read everything
            return self.end(ENDED)
        except OSError as error:
            return self.end(str(error))
        self._take_rights(ancillary)
        if not data:
            return self.end(ENDED)
        if flags & socket.MSG_CTRUNC or len(self._descriptors) > MAX_DESCRIPTORS:
            return self.end("too many descriptors")
        self._received += data
        try:
            self._read()
        except ValueError as error:
            self.end(str(error))
        except Exception as error:
            logger.exception("what another worker has sent cannot be handled")
            self.end(repr(error))

    def _take_rights(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
                for number in numbers:
                    os.set_inheritable(number, False)
                self._descriptors.extend(numbers)

    def _read(self) -> None:
        received, begin = self._received, 0
        while len(received) - begin >= _HEAD.size and not self.closed:
            size, kind = _HEAD.unpack_from(received, begin)
            if not 1 <= size <= MAX_FRAME:
                raise ValueError(f"a frame of {size} bytes")
            end = begin + _HEAD.size - 1 + size
            if len(received) < end:
                break
            frame = bytes(memoryview(received)[begin + _HEAD.size : end])
            begin = end
            self._on_frame(kind, frame)
        del received[:begin]
        if self._descriptors and not received:
            raise ValueError("a descriptor that belongs to no frame")

    # -- the end -----------------------------------------------------------------------------

    def end(self, reason: str) -> None:
        """Close the connection, and tell the owner."""
        if not self.closed:
            self.close()
            self._on_end(reason)

    def close(self) -> None:
        """Close the connection; what the other end does not take at once is lost."""
        if self.closed:
            return
        self.closed = True
        if self._writing is None:
            self._flush()
        self._reading.cancel()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        self._sock.close()
        self._unsent.clear()
        while self._descriptors:
            with contextlib.suppress(OSError):
                os.close(self._descriptors.popleft())
