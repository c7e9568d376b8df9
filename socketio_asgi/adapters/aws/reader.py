"""Hands on what came from the queue: each message once, and in the order of its sender."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from ...runtime import Event
from ..cluster.driver import Inbox
from ..cluster.sequences import PATIENT_SECONDS, Sequences
from ..cluster.wires.aws import KEY, ROOM, STORED, TEXT, AwsWire, is_heartbeat, numbered
from ..cluster.wires.cloud import NAMESPACE, RECIPIENT, SENDER, hand_in_addressed
from .arrival import Arrival
from .queue import POLL_SECONDS

MAX_UNREAD_BYTES = 16 * 1024 * 1024
"""The most bytes of messages that wait behind stored ones; then no more are asked for."""

Fetch = Callable[[str], Awaitable[bytes]]
"""Reads an object by its name."""


class Reader:
    """Hands messages on; those behind a stored one wait until that is read.

    Args:
        inbox: Where they go.
        wire: Their form.
        sequences: Puts them into their order.
        fetch: Reads stored ones; None when there is no bucket.
    """

    def __init__(
        self, inbox: Inbox, wire: AwsWire, sequences: Sequences[Arrival], fetch: Fetch | None
    ) -> None:
        self._inbox = inbox
        self._wire = wire
        self._sequences = sequences
        self._fetch = fetch
        self._unread: deque[Arrival] = deque()
        self._bytes = 0
        self._reading = False
        self._closed = False
        self._has_room: Event | None = None

    def begin(self, unread: Iterable[Arrival] = ()) -> None:
        """Begin to hand on.

        Args:
            unread: What the reader before has not handed on.
        """
        for arrival in unread:
            self._hand_on(arrival)
        self._sequences.resume(self._hand_on)

    def add(self, arrival: Arrival) -> None:
        """Take a message."""
        attributes, own = arrival.attributes, self._inbox.server_id
        if attributes.get(SENDER) == own:
            # SNS need not deliver them here. Heartbeats show the delay.
            if is_heartbeat(attributes):
                self._hand_in(arrival, arrival.data)
            return
        if attributes.get(RECIPIENT) not in {None, own}:
            return
        place = numbered(attributes)
        if place is None:
            self._hand_on(arrival)
        else:
            self._sequences.add(*place, arrival, arrival.size)

    async def wait_for_room(self) -> None:
        """Wait while too much waits to be read."""
        while self._bytes > MAX_UNREAD_BYTES and not self._closed:
            self._has_room = self._inbox.runtime.event()
            await self._has_room.wait()

    def be_patient(self) -> None:
        """A request for messages was lost, and maybe some with it, which come again later."""
        self._sequences.be_patient(POLL_SECONDS + PATIENT_SECONDS)

    def close(self) -> list[Arrival]:
        """Hand on nothing more.

        Returns:
            What was not handed on.
        """
        self._closed = True
        self._sequences.pause()
        self._sequences.be_patient(POLL_SECONDS + PATIENT_SECONDS)
        unread = list(self._unread)
        self._unread.clear()
        self._bytes = 0
        self._wake()
        return unread

    def _hand_on(self, arrival: Arrival) -> None:
        if self._closed:
            return
        stored = arrival.attributes.get(TEXT) == STORED
        if stored and self._is_for_nobody(arrival):
            return
        if not stored and not self._unread:
            return self._hand_in(arrival, arrival.data)
        self._unread.append(arrival)
        self._bytes += arrival.size
        if not self._reading:
            self._reading = True
            self._inbox.runtime.start_background(self._read_on())

    def _is_for_nobody(self, arrival: Arrival) -> bool:
        attributes = arrival.attributes
        room = attributes.get(ROOM)
        rooms = None if room is None else [room]
        return self._inbox.skips(attributes.get(SENDER), attributes.get(NAMESPACE), rooms)

    async def _read_on(self) -> None:
        try:
            while self._unread:
                arrival = self._unread[0]
                data = arrival.data
                if arrival.attributes.get(TEXT) == STORED:
                    data = await self._read(arrival)
                if self._closed:
                    return
                self._unread.popleft()
                self._bytes -= arrival.size
                if data:
                    self._hand_in(arrival, data)
                self._wake()
        finally:
            self._reading = False

    async def _read(self, arrival: Arrival) -> bytes:
        """The content of a stored message; empty when it cannot be read."""
        if self._fetch is None:
            self._inbox.malformed("a message is in S3, and this server has no bucket", 0)
            return b""
        try:
            return await self._fetch(arrival.attributes.get(KEY, ""))
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._inbox.malformed(f"a message in S3 cannot be read ({error})", 0)
            return b""

    def _hand_in(self, arrival: Arrival, data: bytes) -> None:
        if self._closed:
            return
        hand_in_addressed(
            self._inbox,
            self._wire.read_unless,
            arrival.attributes,
            data,
            arrival.id,
            heartbeat=is_heartbeat(arrival.attributes),
        )

    def _wake(self) -> None:
        if self._has_room is not None:
            self._has_room.set()
