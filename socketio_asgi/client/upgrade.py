"""The upgrade of a session: from one transport to a better one, without losing a packet.

    run         opens the new transport, and asks through it whether it works (a probe)
    on_packet   the answer to that
    _switch     the old transport ends what is under way; then the new one takes over

Source: https://socket.io/docs/v4/engine-io-protocol/#upgrade
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..exceptions import TransportError
from ..protocol.engine_packet import PROBE, EnginePacket, EnginePacketType, OutgoingPacket
from ..protocol.reasons import TRANSPORT_ERROR
from .transports.base import Endpoint, Transport, TransportOwner

_PROBE_PING = OutgoingPacket.packet(EnginePacketType.PING, PROBE)
_UPGRADE = OutgoingPacket.packet(EnginePacketType.UPGRADE)


class UpgradeOwner(TransportOwner, Protocol):
    """The session, as its upgrade sees it."""

    def hold(self) -> None:
        """Let packets wait, because the transport changes."""
        ...

    def switch_to(self, transport: Transport) -> None:
        """Go on with another transport; what waited is sent there."""
        ...

    def fail(self, reason: str, detail: Exception | None) -> None:
        """End the session."""
        ...

    def upgrade_ended(self, error: Exception | None) -> None:
        """Called when the upgrade is over, one way or the other."""
        ...


class Upgrade:
    """One attempt to move on.

    Args:
        endpoint: The server.
        owner: The session.
        present: The transport in use.
        make: Makes the better one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        owner: UpgradeOwner,
        present: Transport,
        make: Callable[[Endpoint, TransportOwner, str | None], Transport],
    ) -> None:
        self._endpoint = endpoint
        self._owner = owner
        self._present = present
        self._candidate = make(endpoint, owner, present.sid)
        self._answered = endpoint.runtime.event()
        self._ended = endpoint.runtime.event()
        self._failure: Exception | None = None
        self._switching = False
        self._abandoned = False

    async def run(self) -> None:
        """Upgrade, or give up; nothing is raised but a cancellation."""
        failure: Exception | None = None
        try:
            await self._probe()
            if not self._abandoned:
                await self._switch()
        except Exception as error:  # noqa: BLE001  # the session goes on as it is
            failure = error
            self._candidate.abort()
        finally:
            self._ended.set()
            self._owner.upgrade_ended(failure)

    async def _probe(self) -> None:
        await self._candidate.open()
        self._candidate.send((_PROBE_PING,))
        await self._answered.wait()
        if self._failure is not None:
            raise self._failure

    async def _switch(self) -> None:
        self._switching = True
        self._owner.hold()
        await self._present.pause()
        if self._failure is not None:  # meanwhile, and the old transport has ended as well
            return self._owner.fail(TRANSPORT_ERROR, self._failure)
        self._present.abort()
        self._candidate.max_payload = self._present.max_payload
        self._candidate.send((_UPGRADE,))
        self._owner.switch_to(self._candidate)

    def on_packet(self, packet: EnginePacket) -> None:
        """Called with what comes through the new transport before it is in use."""
        if packet != (EnginePacketType.PONG, PROBE):
            self._failure = TransportError("the server does not answer a probe as it should")
        self._answered.set()

    def on_lost(self, error: Exception | None) -> None:
        """Called when the new transport has ended."""
        self._failure = error or TransportError("the server closed the new transport")
        self._answered.set()

    async def ended(self) -> None:
        """Wait for the end, whatever it is."""
        await self._ended.wait()

    async def settle(self) -> None:
        """Give up, unless the transports change at this very moment; then wait for that."""
        if self._switching:
            await self._ended.wait()
        else:
            self._abandoned = True
            self._candidate.abort()

    def abort(self) -> None:
        """Give up at once."""
        self._candidate.abort()
