"""The workers that are there: each new one connects with all that were there before it.

A worker makes its socket and lists those of the others under a lock of the folder. So the workers
have an order, and of two of them it is always the later one that connects: there are no two
connections of a pair to choose from.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson

from ...runtime import Cancellable, Event, Runtime
from ...runtime.log_limit import LogLimits
from . import folder
from .link import ENDED, FrameKind, Link
from .place import PlaceError, prepare

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

VERSION = 1
"""The version of the frames; workers of another one are not connected with."""

MAX_LINKS = 512
"""The most connections; a mesh of more than a few dozen workers is no good idea anyway."""

GREETING_SECONDS = 1.0
"""The time for the workers that are there to answer a new one before it goes on without them."""

LOCK_SECONDS = 5.0
"""The time for the lock of the folder, which others hold for less than a millisecond."""

RETRY_SECONDS = 0.05
"""The time between two attempts to get the lock, or to reach a worker that is busy."""

MAX_ATTEMPTS = 8
"""Attempts to reach a worker whose socket is there, each after twice the time of the one before."""

NODE_BYTES = 3
"""The length of the id by which a worker is known in session ids."""

MAX_NAME = 64
"""The characters of the longest name that a worker gives itself."""


class Peer:
    """Another worker.

    Args:
        node: Its id in the mesh.
        name: The id that it gave itself.
        link: The connection with it.
    """

    __slots__ = ("_link", "name", "node")

    def __init__(self, node: bytes, name: str, link: Link) -> None:
        self.node: bytes = node
        self.name: str = name
        self._link = link

    def send(self, kind: FrameKind, *parts: bytes, carried: socket.socket | None = None) -> bool:
        """Send a frame; False when it is dropped, see :meth:`.Link.send`."""
        return self._link.send(kind, *parts, carried=carried)

    def take_descriptor(self) -> int:
        """The descriptor of the frame that is being read; see :meth:`.Link.take_descriptor`."""
        return self._link.take_descriptor()


FrameHandler = Callable[[Peer, bytes], None]
"""Called with a frame; a ValueError ends the connection with the worker that has sent it."""


class Mesh:
    """The connections of this worker with the others.

    Args:
        runtime: The event loop.
        place: The folder of the workers; None when there is this one alone.

    Attributes:
        node: The id of this worker.
        secret: What all workers know and nobody else, to tell ids of their making.
        ready: Whether the others are known.
        peers: The other workers, by their ids.
        on_joined: Called with each worker that comes.
        on_left: Called with each worker that has gone.
        counters: Connections that were refused or cut off, by reason.
    """

    def __init__(self, runtime: Runtime, place: Path | None) -> None:
        self.runtime: Runtime = runtime
        self.place: Path | None = place
        self.node: bytes = secrets.token_bytes(NODE_BYTES)
        self.secret: bytes = secrets.token_bytes(folder.SECRET_BYTES)
        self.ready: bool = False
        self.peers: dict[bytes, Peer] = {}
        self.on_joined: list[Callable[[Peer], object]] = []
        self.on_left: list[Callable[[Peer], object]] = []
        self.counters: Counter[str] = Counter()
        self._name = ""
        self._handlers: dict[int, FrameHandler] = {}
        self._links: set[Link] = set()
        # Workers that this one has connected to, and that have not answered.
        self._awaited: set[bytes] = set()
        self._greeted: Event | None = None
        self._listener: socket.socket | None = None
        self._accepting: Cancellable | None = None
        self._timers: set[Cancellable] = set()
        self._attempts: Counter[bytes] = Counter()
        self._closed = False
        self._log_limits = LogLimits(runtime.now, logger)

    def handle(self, kind: FrameKind, handler: FrameHandler) -> None:
        """Have frames of a kind handled."""
        self._handlers[kind] = handler

    # -- life --------------------------------------------------------------------------------

    async def start(self, name: str) -> None:
        """Connect with the workers that are there.

        Args:
            name: The id of this worker that the others are told.

        Raises:
            PlaceError: The folder cannot be used.
            TimeoutError: Another process keeps its lock.
        """
        self._name, self._closed = name, False
        if self.place is not None:
            with await self._locked(self.place):
                self.secret = folder.secret(self.place)
                others = folder.nodes(self.place)
                while self.node.hex() in others:
                    self.node = secrets.token_bytes(NODE_BYTES)
                self._listen(self.place)
            folder.remove_dead_siblings(self.place)
            self._awaited = {bytes.fromhex(node) for node in others}
            for node in list(self._awaited):
                self._connect(node)
            await self._greetings()
        self.ready = True

    async def _locked(self, place: Path) -> contextlib.ExitStack:
        end = self.runtime.now() + LOCK_SECONDS
        while True:
            prepare(place)  # again each time: the last worker of before may just have removed it
            lock = folder.lock(place)
            if lock is not None:
                return lock
            if self.runtime.now() >= end:
                raise TimeoutError(f"another process keeps the lock of {place}")
            await self._sleep(RETRY_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        over = self.runtime.event()
        self.runtime.call_later(seconds, over.set)
        await over.wait()

    def _listen(self, place: Path) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener = listener
        path = folder.socket_path(place, self.node)
        try:
            # Under another name until it listens: whoever finds the name can connect.
            unfinished = place / f".{self.node.hex()}"
            listener.bind(str(unfinished))
            unfinished.chmod(0o600)
            listener.setblocking(False)
            listener.listen()
            unfinished.rename(path)
        except OSError as error:
            raise PlaceError(f"no socket can be made in {place}: {error}") from error
        self._accepting = self.runtime.on_readable(listener, self._on_connection)

    async def _greetings(self) -> None:
        if self._awaited:
            self._greeted = self.runtime.event()
            timer = self.runtime.call_later(GREETING_SECONDS, self._greeted.set)
            await self._greeted.wait()
            timer.cancel()
            self._greeted = None

    def retire(self) -> None:
        """Be found by no new worker; the connections stay."""
        self._stop_listening()

    def close(self) -> None:
        """End all connections; the others notice it at once."""
        self._closed, self.ready = True, False
        self._stop_listening()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for peer in list(self.peers.values()):
            self._leave(peer)
        for link in list(self._links):
            link.close()
        self._links.clear()

    def _stop_listening(self) -> None:
        # The name first, so that no one comes any more.
        listener, self._listener = self._listener, None
        if listener is not None and self.place is not None:
            with contextlib.suppress(OSError):
                folder.socket_path(self.place, self.node).unlink()
            folder.remove_unused(self.place)
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        if listener is not None:
            listener.close()

    # -- connections -------------------------------------------------------------------------

    def _connect(self, node: bytes) -> None:
        """Connect with a worker whose socket was found."""
        if self._closed or node in self.peers or self.place is None:
            return
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        path = folder.socket_path(self.place, node)
        try:
            sock.connect(str(path))
        except BlockingIOError:  # its queue is full
            sock.close()
            return self._connect_later(node)
        except ConnectionRefusedError:  # it has ended without an end
            sock.close()
            with contextlib.suppress(OSError):
                path.unlink()
            return self._not_there(node)
        except OSError:
            sock.close()
            return self._not_there(node)
        self._open(sock, expected=node)

    def _not_there(self, node: bytes) -> None:
        self._awaited.discard(node)
        if not self._awaited and self._greeted is not None:
            self._greeted.set()

    def _connect_later(self, node: bytes) -> None:
        """Try again, more and more rarely, and in the end no more."""
        self._attempts[node] += 1
        if self._attempts[node] > MAX_ATTEMPTS:
            return self._not_there(node)

        def connect() -> None:
            self._timers.discard(timer)
            self._connect(node)

        delay = RETRY_SECONDS * 2 ** self._attempts[node]
        timer = self.runtime.call_later(delay, connect)
        self._timers.add(timer)

    def _on_connection(self) -> None:
        while self._listener is not None:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            self._open(sock, expected=None)

    def _open(self, sock: socket.socket, expected: bytes | None) -> None:
        if not _same_user(sock) or len(self._links) >= MAX_LINKS:
            self._note("connections of other users, or too many")
            sock.close()
            return
        connection = _Connection(self, expected)
        link = connection.link = Link(self.runtime, sock, connection.on_frame, connection.on_end)
        self._links.add(link)
        hello = {"version": VERSION, "node": self.node.hex(), "name": self._name}
        link.send(FrameKind.HELLO, orjson.dumps(hello))

    def _note(self, reason: str, detail: str = "") -> None:
        self.counters[reason] += 1
        if self._log_limits.may_log("another worker", reason):
            logger.warning("workers: %s%s, %d so far", reason, detail, self.counters[reason])

    # -- called by connections ---------------------------------------------------------------

    def greeted(self, link: Link, hello: bytes, expected: bytes | None) -> Peer:
        """A worker has said who it is.

        Raises:
            ValueError: It is none.
        """
        node, name = _read_hello(hello)
        if node in self.peers or node == self.node or (expected is not None and node != expected):
            raise ValueError("a worker that is not the one it says it is")
        peer = self.peers[node] = Peer(node, name, link)
        for callback in self.on_joined:
            callback(peer)
        self._attempts.pop(node, None)
        self._not_there(node)  # so it is not awaited any more
        return peer

    def received(self, peer: Peer, kind: int, frame: bytes) -> None:
        """Called with each frame of a worker.

        Raises:
            ValueError: It makes no sense.
        """
        handler = self._handlers.get(kind)
        if handler is None:
            raise ValueError(f"a frame of the kind {kind}")
        handler(peer, frame)

    def ended(self, link: Link, peer: Peer | None, expected: bytes | None, reason: str) -> None:
        """Called when a connection has ended."""
        self._links.discard(link)
        if reason != ENDED:
            self._note("connections that were cut off", f" ({reason})")
        if peer is not None:
            self._leave(peer)
        if expected is not None:
            self._not_there(expected)
            if not self._closed:  # it may live on, and only the connection be gone
                self._connect_later(expected)

    def _leave(self, peer: Peer) -> None:
        if self.peers.pop(peer.node, None) is not None:
            for callback in self.on_left:
                callback(peer)


class _Connection:
    """A connection of a mesh, before and after the greeting."""

    link: Link

    def __init__(self, mesh: Mesh, expected: bytes | None) -> None:
        self._mesh = mesh
        # The worker that was connected to; None when it is the one that has connected.
        self._expected = expected
        self._peer: Peer | None = None

    def on_frame(self, kind: int, frame: bytes) -> None:
        """Handle a frame; the first one is a greeting."""
        if self._peer is not None:
            self._mesh.received(self._peer, kind, frame)
        elif kind == FrameKind.HELLO:
            self._peer = self._mesh.greeted(self.link, frame, self._expected)
        else:
            raise ValueError("no greeting")

    def on_end(self, reason: str) -> None:
        """The connection has ended."""
        self._mesh.ended(self.link, self._peer, self._expected, reason)


def _read_hello(hello: bytes) -> tuple[bytes, str]:
    match orjson.loads(hello):
        case {"version": int(version), "node": str(node), "name": str(name)} if (
            version == VERSION and len(name) <= MAX_NAME
        ):
            pass
        case _:
            raise ValueError("a worker of another version, or none")
    found = bytes.fromhex(node)
    if len(found) != NODE_BYTES:
        raise ValueError("a greeting with another kind of id")
    return found, name


def _same_user(sock: socket.socket) -> bool:
    """True if the process at the other end runs as the same user, as far as the system says."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # the mode of the folder keeps others out by itself
        return True
    layout = struct.Struct("3i")
    _, user, _ = layout.unpack(sock.getsockopt(socket.SOL_SOCKET, option, layout.size))
    return bool(user == os.geteuid())
