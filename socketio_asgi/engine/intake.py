"""The path of packets into a session: at once, or in their order when there are too many.

They wait while a caller above has paused the reading, and when more arrive together than are
handled in one turn of the event loop. Packets that arrive meanwhile wait behind them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from contextvars import copy_context

from ..protocol import EnginePacket
from ..runtime import Event, Runtime
from .transports.base import PACKETS_PER_TURN, Transport


class Intake(ABC):
    """The receiving side of a session.

    Args:
        transport: The transport that brings the packets.

    Attributes:
        transport: The same; after an upgrade, another one.
        paused: Whether no more packets are welcome, because some wait already.
    """

    __slots__ = ("_backlog", "_held", "_resumed", "_working_off", "paused", "transport")

    def __init__(self, transport: Transport) -> None:
        self.transport: Transport = transport
        # Packets that wait; None when none has to wait.
        self._backlog: deque[EnginePacket] | None = None
        self._held = False  # by a caller above
        self._working_off = False
        self._resumed: Event | None = None
        self.paused: bool = False

    @property
    @abstractmethod
    def runtime(self) -> Runtime:
        """The event loop that the session lives in."""

    @abstractmethod
    def _handle(self, packet: EnginePacket) -> None:
        """Do what a packet asks for."""

    def receive_packet(self, packet: EnginePacket) -> None:
        """Take one packet, which may have to wait.

        It may have been read before the transport knew that reading is paused, or have come with
        the packet that had it paused.
        """
        if self._backlog is None:
            self._handle(packet)
        else:
            self._backlog.append(packet)

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets that came together."""
        if len(packets) > PACKETS_PER_TURN:
            self._begin_to_wait().extend(packets)
            self._work_off()
        else:
            for packet in packets:
                self.receive_packet(packet)

    def replay(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets that came before all that wait."""
        for index, packet in enumerate(packets):
            if self._held:
                self._begin_to_wait().extendleft(reversed(packets[index:]))
                return
            self._handle(packet)

    def pause_reading(self) -> None:
        """Take no further messages from the transport."""
        self._held = True
        self._begin_to_wait()

    def resume_reading(self) -> None:
        """Take messages again, those first that wait already."""
        if self._held:
            self._held = False
            self._work_off()

    def drop_waiting(self) -> None:
        """Forget what waits: the session has ended."""
        self._held = False
        if self._backlog is not None:
            self._backlog.clear()
            self._end_to_wait()

    async def readable(self) -> None:
        """Wait until more messages are welcome."""
        while self.paused:
            if self._resumed is None:
                self._resumed = self.runtime.event()
            await self._resumed.wait()

    def _begin_to_wait(self) -> deque[EnginePacket]:
        if self._backlog is None:
            self._backlog = deque()
            self.paused = True
            self.transport.pause_reading()
        return self._backlog

    def _work_off(self) -> None:
        """Handle what waits, as much as fits into a turn."""
        # What is worked off may itself pause and resume: the loop below goes on then.
        backlog, left = self._backlog, PACKETS_PER_TURN
        if backlog is None or self._working_off:
            return
        self._working_off = True
        try:
            while backlog and left and not self._held:
                left -= 1
                self._handle(backlog.popleft())
        finally:
            self._working_off = False
        if self._held or self._backlog is None:  # the session may have ended
            return
        if backlog:
            self._working_off = True
            self.runtime.start(self._go_on(), copy_context())
        else:
            self._end_to_wait()

    async def _go_on(self) -> None:
        await self.runtime.next_turn()
        self._working_off = False
        self._work_off()

    def _end_to_wait(self) -> None:
        self._backlog = None
        self.paused = False
        self.transport.resume_reading()
        if self._resumed is not None and not self.paused:
            self._resumed.set()
            self._resumed = None
