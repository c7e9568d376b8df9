"""Session ids that say which worker has the session.

    3 bytes    the id of the worker
    10 bytes   random: 80 bits
    2 bytes    a check that only the workers can make

In URL-safe base64 these are 20 characters, as all session ids have, of which the first four are the
worker's. A client that makes an id up costs nothing: it is unknown at once. Ids of another kind,
such as those of an application's own making, are told to the other workers while they are in use.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import orjson

from .link import FrameKind
from .mesh import Mesh, Peer

RANDOM_BYTES = 10
CHECK_BYTES = 2

LENGTH = 20
"""The characters of an id."""

MAX_TOLD = 1000
"""The most ids in one frame."""

MAX_KNOWN = 1_000_000
"""The most ids of one other worker that are remembered, far more than it can have clients."""

_PREFIX_LENGTH = 4


class SessionIds:
    """The ids of the sessions of this worker, and the worker of each other one.

    Args:
        mesh: The workers.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        # The ids of other kinds: those in use here, and those of each other worker.
        self._told: set[str] = set()
        self._owners: dict[str, Peer] = {}
        self._of_peers: dict[Peer, set[str]] = {}
        self._by_prefix: dict[str, Peer] = {}
        mesh.handle(FrameKind.SESSIONS, self._on_sessions)
        mesh.on_joined.append(self._on_joined)
        mesh.on_left.append(self._on_left)

    def new(self) -> str:
        """A new id."""
        mesh = self._mesh
        beginning = mesh.node + os.urandom(RANDOM_BYTES)
        return urlsafe_b64encode(beginning + _check(mesh.secret, beginning)).decode()

    def owner(self, sid: str) -> Peer | None:
        """The other worker that may have a session; None when none has."""
        if len(sid) == LENGTH:
            peer = self._by_prefix.get(sid[:_PREFIX_LENGTH])
            if peer is not None and self._is_genuine(sid):
                return peer
        return self._owners.get(sid)

    def _is_genuine(self, sid: str) -> bool:
        try:
            raw = urlsafe_b64decode(sid)
        except ValueError:
            return False
        beginning = raw[:-CHECK_BYTES]
        return _check(self._mesh.secret, beginning) == raw[-CHECK_BYTES:]

    def _names_me(self, sid: str) -> bool:
        own = b64encode(self._mesh.node, b"-_").decode()
        return len(sid) == LENGTH and sid.startswith(own) and self._is_genuine(sid)

    # -- ids of other kinds ------------------------------------------------------------------

    def opened(self, sid: str) -> None:
        """A session was opened here; the others are told if its id does not say so."""
        if not self._names_me(sid):
            self._told.add(sid)
            self._tell_all([sid], [])

    def closed(self, sid: str) -> None:
        """A session has ended."""
        if sid in self._told:
            self._told.discard(sid)
            self._tell_all([], [sid])

    def _tell_all(self, opened: list[str], closed: list[str]) -> None:
        if self._mesh.peers:
            frame = orjson.dumps([opened, closed])
            for peer in self._mesh.peers.values():
                peer.send(FrameKind.SESSIONS, frame)

    def _on_joined(self, peer: Peer) -> None:
        self._by_prefix[b64encode(peer.node, b"-_").decode()] = peer
        self._of_peers[peer] = set()
        told = list(self._told)
        for begin in range(0, len(told), MAX_TOLD):
            peer.send(FrameKind.SESSIONS, orjson.dumps([told[begin : begin + MAX_TOLD], []]))

    def _on_left(self, peer: Peer) -> None:
        self._by_prefix.pop(b64encode(peer.node, b"-_").decode(), None)
        for sid in self._of_peers.pop(peer, ()):
            if self._owners.get(sid) is peer:
                del self._owners[sid]

    def _on_sessions(self, peer: Peer, frame: bytes) -> None:
        opened, closed = orjson.loads(frame)
        if not all(isinstance(sid, str) for sid in (*opened, *closed)):
            raise ValueError("a session id that is no text")
        known = self._of_peers[peer]
        for sid in opened:
            if len(known) < MAX_KNOWN:
                known.add(sid)
                self._owners[sid] = peer
        for sid in closed:
            known.discard(sid)
            if self._owners.get(sid) is peer:
                del self._owners[sid]


def _check(secret: bytes, beginning: bytes) -> bytes:
    return hashlib.blake2b(beginning, key=secret, digest_size=CHECK_BYTES).digest()
