"""The Engine.IO session of a client: it opens a transport, moves on to a better one, and ends.

Source: https://socket.io/docs/v4/engine-io-protocol/
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from ..exceptions import ConnectError, TransportError
from ..protocol.engine_packet import PONG, EnginePacket, OutgoingPacket
from ..protocol.errors import DecodeError
from ..protocol.handshake import OpenHandshake, decode_open
from ..protocol.reasons import FORCED_CLOSE, PARSE_ERROR, TRANSPORT_CLOSE, TRANSPORT_ERROR
from ..protocol.states import CLIENT_ACTIONS, EngineAction
from ..runtime import Cancellable, Event
from .heartbeat import Heartbeat
from .transports.base import REVISION, Endpoint, Transport
from .transports.polling import PollingTransport
from .transports.websocket import WebSocketTransport
from .upgrade import Upgrade

logger: logging.Logger = logging.getLogger("socketio_asgi.client")

TRANSPORTS: dict[str, type[Transport]] = {
    PollingTransport.name: PollingTransport,
    WebSocketTransport.name: WebSocketTransport,
}
"""The transports by name."""

CLOSE_SECONDS = 2.0
"""The time that a server has to take what waits, and the end, when a client closes."""

_ACTIONS = CLIENT_ACTIONS[REVISION]


class SessionOwner(Protocol):
    """The manager, as its session sees it."""

    def on_message(self, data: str | bytes) -> None:
        """Called with each message."""
        ...

    def on_ping(self) -> None:
        """Called when the server has given a sign of life, which is answered."""
        ...

    def on_drain(self) -> None:
        """Called when nothing waits to be sent any more."""
        ...

    def on_upgrade(self, transport: str) -> None:
        """Called when the session has moved on to another transport."""
        ...

    def on_close(self, reason: str, detail: Exception | None) -> None:
        """Called once when the session has ended, unless this side ended it."""
        ...


class ClientSession:
    """One session with a server.

    Args:
        endpoint: The server.
        owner: The manager.
        transports: The names of the transports, in the order in which they are tried.
        try_all: Whether the next one is tried when the first one does not open.
        upgrade: Whether to move on to a better one.

    Attributes:
        handshake: The settings of the session; None until the server has told them.
        transport: The transport in use; None until there is one, and after the end.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        owner: SessionOwner,
        transports: Sequence[str],
        *,
        try_all: bool = False,
        upgrade: bool = True,
    ) -> None:
        self.handshake: OpenHandshake | None = None
        self.transport: Transport | None = None
        self._endpoint = endpoint
        self._owner = owner
        self._names = tuple(transports)
        self._try_all = try_all
        self._upgrades = upgrade
        self._upgrade: Upgrade | None = None
        self._upgrading: Cancellable | None = None
        self._opened: Event | None = None
        self._failure: Exception | None = None
        self._heartbeat: Heartbeat | None = None
        # What is sent while the transport changes; None while it does not.
        self._held: list[OutgoingPacket] | None = None

    # -- opening -----------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the session.

        Raises:
            ConnectError: It could not be opened.
        """
        names = self._names if self._try_all else self._names[:1]
        for name in names:
            try:
                return await self._open_with(TRANSPORTS[name])
            except ConnectError as error:
                logger.debug("the transport %s does not open: %s", name, error)
                if name == names[-1]:
                    raise
            except BaseException:
                self.abort()
                raise

    async def _open_with(self, make: Callable[..., Transport]) -> None:
        self._failure = None
        self._opened = self._endpoint.runtime.event()
        self.transport = transport = make(self._endpoint, self)
        try:
            await transport.open()
            await self._opened.wait()
        except ConnectError:
            transport.abort()
            self.transport = None
            raise
        finally:
            self._opened = None
        self._raise_failure(transport)
        self._begin_upgrade()

    def _raise_failure(self, transport: Transport) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            transport.abort()
            self.transport = None
            raise _as_connect_error(failure)

    def _on_handshake(self, transport: Transport, data: str) -> None:
        if self.handshake is not None:
            return
        try:
            handshake = decode_open(data)
        except DecodeError as error:
            return self._fail(error)
        self.handshake = handshake
        transport.sid = handshake.sid
        transport.max_payload = handshake.max_payload
        self._heartbeat = Heartbeat(self._endpoint.runtime, handshake, self._on_silence)
        if self._opened is not None:
            self._opened.set()

    def _fail(self, error: Exception) -> None:
        """End the attempt to open the session."""
        self._failure = error
        if self._opened is not None:
            self._opened.set()

    # -- upgrading ---------------------------------------------------------------------------

    def _begin_upgrade(self) -> None:
        handshake, transport = self.handshake, self.transport
        if not self._upgrades or handshake is None or transport is None:
            return
        for name in handshake.upgrades:
            if name in self._names and name in TRANSPORTS and name != transport.name:
                self._upgrade = Upgrade(self._endpoint, self, transport, TRANSPORTS[name])
                work = self._upgrade.run()
                self._upgrading = self._endpoint.runtime.start_background(work)
                return

    def hold(self) -> None:
        """Let packets wait, because the transport changes."""
        self._held = []

    def switch_to(self, transport: Transport) -> None:
        """Go on with another transport; what waited is sent there."""
        self.transport = transport
        if self._heartbeat is not None and self._heartbeat.paused:
            transport.pause_reading()
        self._release()
        self._owner.on_upgrade(transport.name)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held and self.transport is not None:
            self.transport.send(held)

    async def upgraded(self) -> None:
        """Wait until no upgrade is under way."""
        if self._upgrade is not None:
            await self._upgrade.ended()

    def upgrade_ended(self, error: Exception | None) -> None:
        """Called when the upgrade is over, one way or the other."""
        self._upgrade = self._upgrading = None
        if error is not None:
            logger.debug("the upgrade failed: %s", error)

    # -- packets -----------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """The bytes that wait to be sent."""
        waiting = 0 if self.transport is None else self.transport.buffered
        return waiting + sum(packet.size for packet in self._held or ())

    @property
    def writable(self) -> bool:
        """True when a packet would go out at once."""
        return self._held is None and self.transport is not None and self.transport.writable

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets, in order."""
        if self._held is not None:
            self._held.extend(packets)
        elif self.transport is not None:
            self.transport.send(packets)

    def pause_reading(self) -> None:
        """Read no more for now; the heartbeat waits, too."""
        if self.transport is not None:
            self.transport.pause_reading()
        if self._heartbeat is not None:
            self._heartbeat.paused = True

    def resume_reading(self) -> None:
        """Go on reading."""
        if self._heartbeat is not None:
            self._heartbeat.beat()
            self._heartbeat.paused = False
        if self.transport is not None:
            self.transport.resume_reading()

    def on_message(self, data: str | bytes) -> None:
        """Called with each message."""
        self._owner.on_message(data)

    def on_packet(self, transport: Transport, packet: EnginePacket) -> None:
        """Called with each packet that is no message."""
        if self._upgrade is not None and transport is not self.transport:
            return self._upgrade.on_packet(packet)
        action = _ACTIONS[packet.type]
        if action is EngineAction.OPEN:
            self._on_handshake(transport, str(packet.data))
        elif self.handshake is None:
            self._fail(TransportError("the server began with something else than a handshake"))
        elif action is EngineAction.ANSWER:
            self._on_ping()
        elif action is EngineAction.CLOSE:
            self._end(TRANSPORT_CLOSE, None)

    def _on_ping(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.beat()
        self.send((PONG,))
        self._owner.on_ping()

    def on_drain(self) -> None:
        """Called when nothing waits to be sent any more."""
        self._owner.on_drain()

    # -- the end -----------------------------------------------------------------------------

    def _on_silence(self) -> None:
        self._end("ping timeout", None)

    def on_lost(self, transport: Transport, error: Exception | None) -> None:
        """Called when a transport has ended."""
        if self._upgrade is not None and transport is not self.transport:
            return self._upgrade.on_lost(error)
        if self._opened is not None:
            return self._fail(error or TransportError("the server closed the connection at once"))
        if error is None:
            self._end(TRANSPORT_CLOSE, None)
        else:
            reason = PARSE_ERROR if isinstance(error, DecodeError) else TRANSPORT_ERROR
            self._end(reason, error)

    def fail(self, reason: str, detail: Exception | None) -> None:
        """End the session because of what the server did; the owner is told."""
        self._end(reason, detail)

    def _end(self, reason: str, detail: Exception | None) -> None:
        if self.transport is None:
            return
        self.abort()
        self._owner.on_close(reason, detail)

    async def close(self) -> None:
        """Send what waits, then end the session; the owner is not told."""
        try:
            if self.handshake is not None:
                await self._endpoint.runtime.within(CLOSE_SECONDS, self._close())
        except TimeoutError:
            logger.debug("the server did not take the end of the session in time")
        finally:
            self.abort()

    async def _close(self) -> None:
        if self._upgrade is not None:
            await self._upgrade.settle()
        if self.transport is not None:
            await self.transport.close()

    def abort(self) -> None:
        """End the session at once; the owner is not told."""
        if self._upgrading is not None:
            self._upgrading.cancel()
            self._upgrading = None
        if self._upgrade is not None:
            self._upgrade.abort()
            self._upgrade = None
        if self._heartbeat is not None:
            self._heartbeat.stop()
        transport, self.transport = self.transport, None
        self._held = None
        if transport is not None:
            transport.abort()
        if self._opened is not None:
            self._fail(TransportError(FORCED_CLOSE))


def _as_connect_error(error: Exception) -> ConnectError:
    if isinstance(error, ConnectError):
        return error
    if isinstance(error, DecodeError):
        made = TransportError(f"what answers is no Socket.IO server: {error}")
        made.__cause__ = error
        return made
    raise error
