"""The upgrade of a session from one transport to another, such as from polling to WebSocket.

    client                               server
      | GET ...&transport=websocket&sid= → |   OPEN → UPGRADING
      | 2probe ---------------------------→|   the old transport releases the poll that waits
      |←--------------------------- 3probe |
      | (its poll and its POST are over)   |
      | 5 --------------------------------→|   UPGRADING → OPEN, the outbox changes hands
      |←------------------ waiting packets |

Until the 5 comes, the session stays on the old transport in both directions, so nothing is lost
when the new one fails. Nothing extra is sent on the new one after the upgrade.

A session may end meanwhile. Official clients stop to poll when they have the 3probe, and take the
end of the new transport for a failed upgrade until they have sent the 5: then they would hear of no
end before their heartbeat fails. So the test goes on until the client has heard of the end: by a
poll, or on the new transport once the 5 comes, behind what waits.

Source: https://socket.io/docs/v4/engine-io-protocol/#upgrade
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from ..protocol import DecodeError, EngineCodec, EnginePacket, EnginePacketType
from ..protocol.engine_packet import PROBE, PROBE_PONG
from ..protocol.states import SessionInput
from ..runtime import Event
from .loop_state import LoopState
from .transports.base import Transport

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")


class UpgradingSession(Protocol):
    """A session, as its upgrade sees it.

    Attributes:
        transport: The transport that carries the session.
        upgrade: The upgrade under way; None when it is over.
    """

    transport: Transport
    upgrade: UpgradeAttempt | None

    @property
    def codec(self) -> EngineCodec:
        """The revision of the protocol that the client speaks."""
        ...

    def step(self, input_: SessionInput) -> bool:
        """Move to the next state, if there is one."""
        ...

    def switch_to(self, transport: Transport) -> None:
        """Let another transport carry the session."""
        ...


class UpgradeAttempt(ABC):
    """The test of a transport, until it carries the session or is given up.

    Args:
        loop_state: The event loop's state, with the deadlines.
        session: The session, in state UPGRADING.

    Attributes:
        answered: Whether the client has the answer to its probe from here, after which it leaves
            its old transport.
    """

    __slots__ = ("_loop_state", "_over", "_session", "answered")

    def __init__(self, loop_state: LoopState, session: UpgradingSession) -> None:
        self._loop_state = loop_state
        self._session = session
        self.answered: bool = False
        self._over: Event | None = None
        loop_state.upgrade_deadlines.add(self)

    @property
    def under_way(self) -> bool:
        """True until it is complete, or given up."""
        return self._session.upgrade is self

    def timed_out(self) -> None:
        """Give the transport up: the client took too long."""
        self.fail("the client did not complete it in time")

    def fail(self, problem: str) -> None:
        """Give the transport up, and close it; the session stays on the old one."""
        if self._abandon(problem):
            self._drop()

    def stop(self) -> None:
        """End the test, because the session ends."""
        self.detach()
        self._drop()

    def complete(self, transport: Transport) -> None:
        """Let a transport carry the session."""
        self.detach()
        self._session.step(SessionInput.UPGRADE)
        # The old transport first: it must not take what waits for the new one.
        self._session.transport.retire()
        self._session.switch_to(transport)

    @abstractmethod
    def _drop(self) -> None:
        """Close the transport, which will carry nothing."""

    def _abandon(self, problem: str) -> bool:
        if self._session.upgrade is not self:  # it is over: the transport tells of its end last
            return False
        logger.debug("upgrade failed: %s", problem)
        self._session.step(SessionInput.ABANDON)
        self._session.transport.hold()
        self.detach()
        return True

    def detach(self) -> None:
        """Forget the session: the test is over."""
        self._loop_state.upgrade_deadlines.discard(self)
        self._session.upgrade = None
        if self._over is not None:
            self._over.set()

    async def over(self) -> None:
        """Wait until the test is over."""
        if self.under_way:
            if self._over is None:
                self._over = self._loop_state.runtime.event()
            await self._over.wait()


class DistantUpgrade(UpgradeAttempt):
    """The test of a transport that is at another engine, which tells how it goes.

    Args:
        loop_state: The event loop's state, with the deadlines.
        session: The session, in state UPGRADING.
        on_dropped: Called when the transport is not wanted any more.
    """

    __slots__ = ("_on_dropped",)

    def __init__(
        self,
        loop_state: LoopState,
        session: UpgradingSession,
        on_dropped: Callable[[], object],
    ) -> None:
        super().__init__(loop_state, session)
        self._on_dropped = on_dropped

    def _drop(self) -> None:
        self._on_dropped()


class Upgrade(UpgradeAttempt):
    """The owner of a transport until it carries the session.

    Args:
        loop_state: The event loop's state, with the deadlines.
        session: The session, in state UPGRADING.
        transport: The transport to be tested.
    """

    __slots__ = ("_transport",)

    paused = False

    def __init__(
        self, loop_state: LoopState, session: UpgradingSession, transport: Transport
    ) -> None:
        super().__init__(loop_state, session)
        self._transport = transport
        transport.set_owner(self)

    def receive(self, data: str | bytes) -> None:
        """Take one message of the transport that is being tested."""
        try:
            packet = self._session.codec.decode(data)
        except DecodeError as error:
            return self.fail(str(error))
        self.receive_packets([packet])

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets of the transport that is being tested."""
        for packet in packets:
            self._take(packet)

    def _take(self, packet: EnginePacket) -> None:
        if packet.type is EnginePacketType.PING and packet.data == PROBE:
            self.answered = True
            self._transport.send([PROBE_PONG])
            self._session.transport.release()
        elif packet.type is EnginePacketType.UPGRADE:
            self.complete(self._transport)
        else:
            self.fail(f"unexpected packet {packet.type.name}")

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Called when the transport ended before the upgrade was complete."""
        self._abandon(description or reason)

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        self._loop_state.server_exits()

    async def readable(self) -> None:
        """Return at once: messages are always welcome here."""

    def _drop(self) -> None:
        self._transport.abort()
