"""Connection state recovery over several servers: the broker keeps the sockets and the packets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

from ...protocol import OutgoingPacket
from ...runtime import Event
from ...runtime.awaitables import DONE, Waiting
from ..base import LocalNamespace
from ..packet import SharedPacket
from ..recovery import MissedPackets, PacketLog, RestoredSocket, SavedSocket
from ..target import Target
from ..track import IsAfter
from .core import Core
from .driver import Archive, offset_of
from .message import Broadcast, Disconnection, Message, MessageType, RoomChange
from .plain_data import plain_data

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


CHANGES: frozenset[MessageType] = frozenset(
    {MessageType.SOCKETS_JOIN, MessageType.SOCKETS_LEAVE, MessageType.DISCONNECT_SOCKETS}
)
"""Messages that change sockets, those of clients that are away as well."""


class Delivered(NamedTuple):
    """A packet that was delivered, with its offset."""

    packet: SharedPacket
    target: Target


Happened = Delivered | Message
"""A packet that was delivered, or a change of sockets."""


class Recording:
    """The events that arrive while the archive is read, with their positions."""

    def __init__(self) -> None:
        self.items: list[tuple[str, Happened]] = []

    def add(self, position: str, item: Happened) -> None:
        """Called when a packet was delivered, or a change was read."""
        self.items.append((position, item))


class Records(Protocol):
    """The delivery to the sockets of a namespace, as its log sees it."""

    def start_recording(self) -> Recording:
        """Remember what happens from now on."""
        ...

    def stop_recording(self, recording: Recording) -> None:
        """Remember no more."""
        ...


class Recorded(Protocol):
    """The adapter of a namespace, as its log sees it."""

    @property
    def core(self) -> Core:
        """The core that it shares with the other namespaces of the server.

        Raises:
            RuntimeError: The server has not been used in an event loop.
        """
        ...

    @property
    def started_core(self) -> Core | None:
        """The same; None before."""
        ...

    @property
    def delivery(self) -> Records:
        """The place where recordings are made."""
        ...

    @property
    def unread_changes(self) -> Sequence[Message]:
        """The changes that this server has published, and not read back yet."""
        ...

    def plain(self, value: Any) -> Any:
        """A value in plain types; None when it cannot be represented."""
        ...


class ClusterLog(PacketLog):
    """Recovery of the clients of a namespace on any server, from the memory of the broker.

    Args:
        namespace: The namespace.
        adapter: Its adapter.
    """

    def __init__(self, namespace: LocalNamespace, adapter: Recorded) -> None:
        super().__init__()
        self._namespace = namespace
        self._adapter = adapter
        self._saving: dict[str, Event] = {}

    def position(self) -> str:
        """The position of the last message that was read from the broker; empty before any."""
        core = self._adapter.started_core
        return "" if core is None else core.position_of(self._namespace.name)

    def is_after(self, offset: str, other: str) -> bool:
        """True if an offset is after another one."""
        archive = self._archive()
        if archive is None:
            raise ValueError("the broker is away")
        return offset != other and archive.latest(offset, other) == offset

    def save(self, saved: SavedSocket) -> Awaitable[None]:
        """Keep a socket that lost its connection; lost as well while the broker is away."""
        core, recovery = self._adapter.core, self._namespace.recovery
        archive = self._archive()
        if archive is None or recovery is None:
            core.dropped("sockets that were not saved")
            return DONE
        plain = replace(saved, data=plain_data(saved.sid, saved.data, self._adapter.plain))
        seconds = recovery.max_disconnection_duration
        done = self._saving[saved.pid] = core.runtime.event()

        async def save() -> None:
            try:
                await archive.save(self._namespace.name, plain, seconds)
            except Exception as error:  # noqa: BLE001  # drivers have errors of their own
                core.dropped("sockets that were not saved", error)
            finally:
                core.saved(done)
                if self._saving.get(saved.pid) is done:
                    del self._saving[saved.pid]

        core.saving(done)
        core.runtime.start_background(save())

        async def wait() -> None:
            await done.wait()

        return Waiting(wait)

    async def find(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that is kept."""
        if pid in self._saving:  # the client is faster than the broker
            await self._saving[pid].wait()
        archive = self._archive()
        saved = None if archive is None else await archive.find(self._namespace.name, pid)
        if archive is None or saved is None:
            return None
        try:
            position = None if offset is None else await archive.located(saved, offset)
            known = self.last_known(saved.track, position)
            if known is None or self.is_after(known, self.position()):
                return None  # also when this server has not read so far yet
        except (LookupError, ValueError):
            return None
        return RestoredSocket(saved, partial(self._claim, saved, known))

    async def _claim(self, saved: SavedSocket, known: str) -> MissedPackets | None:
        archive = self._archive()
        if archive is None or not await archive.take(self._namespace.name, saved.pid):
            return None
        # Messages that this server has read come from the archive, later ones as delivered: so
        # nothing is lost or comes twice.
        now, recording = self.position(), self._adapter.delivery.start_recording()
        replay = Replay(saved, self._namespace, self.is_after)
        try:
            await self._replay(archive, replay, known, now)
        except (LookupError, ValueError):
            return None
        finally:
            self._adapter.delivery.stop_recording(recording)
        for position, item in recording.items:
            replay.add(position, item)
        now = self.position()
        for message in self._adapter.unread_changes:  # they were made here already
            replay.change(now, message)
        if replay.disconnected:
            return None
        saved.track.left = now
        return replay.missed

    async def _replay(self, archive: Archive, replay: Replay, start: str, end: str) -> None:
        """Go through the messages of the archive.

        Raises:
            LookupError: They are gone, or those missed are more than may be sent at once.
        """
        async with aclosing(archive.since(self._namespace.name, start)) as messages:
            async for position, message in messages:
                if archive.latest(position, end) != end:
                    break
                replay.add(position, message)
                if replay.size > self._namespace.max_replay_bytes:
                    raise LookupError(start)

    def _archive(self) -> Archive | None:
        core = self._adapter.started_core
        if core is None:
            return None
        return core.driver.archive if core.ready and core.driver is not None else None


class Replay:
    """The events while a client was away, replayed in order.

    Args:
        saved: The state of its socket; its track goes on with what happened.
        namespace: The namespace.
        is_after: Compares positions.

    Attributes:
        missed: The packets that the client has missed.
        size: Their size, in bytes.
        disconnected: Whether the socket was disconnected meanwhile.
    """

    def __init__(self, saved: SavedSocket, namespace: LocalNamespace, is_after: IsAfter) -> None:
        self.missed: list[Sequence[OutgoingPacket]] = []
        self.size: int = 0
        self.disconnected: bool = False
        self._saved = saved
        self._namespace = namespace
        self._is_after = is_after

    def add(self, position: str, item: Happened) -> None:
        """Take what happened at a position."""
        if isinstance(item, Delivered):
            if self._sees(item.target, position):
                self._miss(position, item.packet)
        elif item.type in CHANGES:
            if self._is_after(position, self._saved.track.left):  # the earlier ones are in there
                self.change(position, item)
        else:
            self._add_broadcast(position, item)

    def _add_broadcast(self, position: str, message: Message) -> None:
        body = message.body
        if not isinstance(body, Broadcast) or message.request is not None or body.target.volatile:
            return
        if not isinstance(body.event, SharedPacket) and self._sees(body.target, position):
            event = body.event.shared(self._namespace.name, self._namespace.parser)
            self._miss(position, event.with_argument(offset_of(position)))

    def _sees(self, target: Target, position: str) -> bool:
        saved = self._saved
        return saved.track.sees(saved.sid, target, position, self._is_after)

    def _miss(self, position: str, packet: SharedPacket) -> None:
        self.size += packet.size
        self.missed.append(packet.encode())
        self._saved.track.sent = position

    def change(self, position: str, message: Message) -> None:
        """Let the socket take part in a change, if it is meant."""
        sid, track, body = self._saved.sid, self._saved.track, message.body
        if not isinstance(body, (RoomChange, Disconnection)):
            return
        if not body.target.includes(self._saved.rooms | {sid}):
            return
        if isinstance(body, Disconnection):
            self.disconnected = True
        elif message.type is MessageType.SOCKETS_JOIN:
            for room in body.rooms:
                if room != sid:
                    track.join(room, position)
        else:
            for room in body.rooms:
                track.leave(room, position)
