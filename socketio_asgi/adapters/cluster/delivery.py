"""Delivery to the sockets of this process, in the order of the broker where it makes offsets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..memory import MemoryAdapter
from ..packet import SharedPacket
from ..recovery import PacketLog, carries_offset
from ..target import Target
from .driver import offset_of
from .log import Delivered, Happened, Recording
from .ordering import BrokerOrder


class Delivery:
    """The way of packets to the sockets of one namespace in this process.

    Args:
        local: The adapter that knows these sockets.
        log: The log in the broker's memory; None when clients are not recovered from there.

    Attributes:
        order: What waits for its offset; None without a broker that makes offsets.
    """

    def __init__(self, local: MemoryAdapter, log: PacketLog | None) -> None:
        self.order: BrokerOrder | None = None
        self._local = local
        self._log = log
        self._recordings: set[Recording] = set()

    def deliver(self, packet: SharedPacket, target: Target) -> None:
        """Deliver a packet, behind those that wait for their offset."""
        if self.order:
            deliver = self.later(packet, target)
            self.order.behind(lambda: deliver(None))
        else:
            self._local.broadcast(self.with_last_offset(packet), target)

    def behind(self, act: Callable[[], object]) -> None:
        """Call a function after the packets that wait for their offset."""
        if self.order:
            self.order.behind(act)
        else:
            act()

    def disconnect(self, target: Target, *, close: bool) -> None:
        """Disconnect sockets, once they have got what waits for its offset."""
        self.behind(partial(self._local.disconnect_sockets, target, close=close))

    def later(self, packet: SharedPacket, target: Target) -> Callable[[str | None], None]:
        """A function that delivers a packet later, to the sockets that are meant now.

        It is called with the position of the packet; None when it has none of its own.
        """
        recipients = self._local.recipients(target)

        def deliver(position: str | None) -> None:
            if position is None:
                shared = self.with_last_offset(packet)
            else:
                shared = packet.with_argument(offset_of(position))
                self.record(position, Delivered(shared, target))
            for recipient in recipients:
                if position is not None and self._log is not None:
                    self._log.sent(recipient.id, position)
                recipient.deliver(shared, target.volatile)
            if self._local.observer is not None:
                self._local.observer.broadcast(self._local.namespace.name, len(recipients))

        return deliver

    def with_last_offset(self, packet: SharedPacket) -> SharedPacket:
        """A packet that is not kept, with the offset of the last one that is."""
        if self._log is not None and carries_offset(packet):
            return packet.with_argument(offset_of(self._log.position()))
        return packet

    # -- for the log ---------------------------------------------------------------------------

    def start_recording(self) -> Recording:
        """Remember what happens from now on, until :meth:`stop_recording`."""
        recording = Recording()
        self._recordings.add(recording)
        return recording

    def stop_recording(self, recording: Recording) -> None:
        """Remember no more."""
        self._recordings.discard(recording)

    def record(self, position: str, item: Happened) -> None:
        """Something has happened that clients may miss."""
        for recording in self._recordings:
            recording.add(position, item)
