"""The upgrade of a session from polling to WebSocket.

    client                               server
      | GET ...&transport=websocket&sid= → |   OPEN → UPGRADING
      | 2probe ---------------------------→|   the poll that waits is released with a NOOP
      |←--------------------------- 3probe |
      | (its poll and its POST are over)   |
      | 5 --------------------------------→|   UPGRADING → OPEN, the outbox changes hands
      |←------------------ waiting packets |

Until the 5 comes, the session stays on polling in both directions, so nothing is lost when the new
transport fails. Nothing extra is sent on the WebSocket after the upgrade.

Source: https://socket.io/docs/v4/engine-io-protocol/#upgrade
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from ..protocol import DecodeError, EnginePacket, EnginePacketType
from ..protocol.engine_packet import PROBE, PROBE_PONG
from ..protocol.states import SessionInput
from .transports.base import Transport
from .transports.polling import PollingTransport

if TYPE_CHECKING:
    from .loop_state import LoopState
    from .session import Session

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")


class Upgrade:
    """The owner of a WebSocket transport until it carries the session."""

    __slots__ = ("_codec", "_loop_state", "_session", "_transport")

    paused = False

    def __init__(self, loop_state: LoopState, session: Session, transport: Transport) -> None:
        self._loop_state = loop_state
        self._session = session
        self._codec = session.codec
        self._transport = transport
        transport.set_owner(self)
        loop_state.upgrade_deadlines.add(self)

    @staticmethod
    def begin(session: Session) -> bool:
        """Begin to test another transport; False when the session does not take one."""
        return session.transport.name == "polling" and session.step(SessionInput.PROBE)

    def receive(self, data: str | bytes) -> None:
        """Take one message of the transport that is being tested."""
        try:
            packet = self._codec.decode(data)
        except DecodeError as error:
            return self.fail(str(error))
        if packet.type is EnginePacketType.PING and packet.data == PROBE:
            self._transport.outbox.extend([PROBE_PONG])
            self._transport.flush()
            self._polling.release_poll()
        elif packet.type is EnginePacketType.UPGRADE:
            self._finish()
        else:
            self.fail(f"unexpected packet {packet.type.name}")

    def receive_packets(self, packets: list[EnginePacket]) -> None:
        """No POST request comes by this transport."""
        raise AssertionError("a WebSocket has no payloads")

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """The transport ended before the upgrade was complete."""
        self._loop_state.linger_deadlines.discard(transport)
        self.fail(description or reason)

    def server_exits(self) -> None:
        """The ASGI server announced that it is about to end."""
        self._loop_state.server_exits()

    async def readable(self) -> None:
        """Messages are always welcome here."""

    def fail(self, problem: str) -> None:
        """Give the transport up; the session stays on polling."""
        if self._session.upgrade is not self:
            return
        logger.debug("upgrade failed: %s", problem)
        self._session.step(SessionInput.ABANDON)
        self._polling.hold_polls()
        self.stop()

    def stop(self) -> None:
        """End the test, because it failed or the session closes."""
        self._detach()
        self._transport.abort()

    def _finish(self) -> None:
        polling = self._polling
        self._detach()
        self._session.step(SessionInput.UPGRADE)
        polling.end_quietly()
        self._session.switch_to(self._transport)

    def _detach(self) -> None:
        self._loop_state.upgrade_deadlines.discard(self)
        self._session.upgrade = None

    @property
    def _polling(self) -> PollingTransport:
        return cast("PollingTransport", self._session.transport)  # begin() has checked it
