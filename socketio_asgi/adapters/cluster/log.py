"""Connection state recovery over several servers: the broker keeps the sockets and the packets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from ...protocol import OutgoingPacket
from ...runtime.awaitables import DONE, Waiting
from ..base import LocalNamespace
from ..packet import SharedPacket
from ..recovery import MissedPackets, PacketLog, RestoredSocket, SavedSocket
from ..target import Target
from .core import Core
from .driver import Archive
from .message import Broadcast, Message

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class Recording:
    """The packets that are delivered while the archive is read, with positions and targets."""

    def __init__(self) -> None:
        self.items: list[tuple[str, SharedPacket, Target]] = []

    def add(self, position: str, packet: SharedPacket, target: Target) -> None:
        """Called when a packet was delivered."""
        self.items.append((position, packet, target))


class Recorded(Protocol):
    """The adapter of a namespace, as its log sees it."""

    @property
    def core(self) -> Core:
        """The core that it shares with the other namespaces of the server."""
        ...

    def record(self) -> Recording:
        """Remember what is delivered from now on."""
        ...

    def stop_recording(self, recording: Recording) -> None:
        """Remember no more."""
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
        self._namespace = namespace
        self._adapter = adapter

    def position(self) -> str:
        """The position of the last message that was read from the broker."""
        return self._adapter.core.position or ""

    def save(self, saved: SavedSocket) -> Awaitable[None]:
        """Keep a socket that lost its connection; lost as well while the broker is away."""
        core, recovery = self._adapter.core, self._namespace.recovery
        archive = self._archive()
        if archive is None or recovery is None:
            core.dropped("sockets that were not saved")
            return DONE
        plain = replace(saved, data=self._adapter.plain(saved.data))
        seconds = recovery.max_disconnection_duration
        done = core.runtime.event()

        async def save() -> None:
            try:
                await archive.save(self._namespace.name, plain, seconds)
            except Exception as error:  # noqa: BLE001  # drivers have errors of their own
                core.dropped("sockets that were not saved", error)
            finally:
                core.saved(done)

        core.saving(done)
        core.runtime.start_background(save())

        async def wait() -> None:
            await done.wait()

        return Waiting(wait)

    async def find(self, pid: str, offset: str | None) -> RestoredSocket | None:
        """Find a socket that is kept."""
        archive = self._archive()
        saved = None if archive is None else await archive.find(self._namespace.name, pid)
        if archive is None or saved is None:
            return None
        start = self._start(archive, saved, offset)
        return None if start is None else RestoredSocket(saved, partial(self._claim, saved, start))

    def _start(self, archive: Archive, saved: SavedSocket, offset: str | None) -> str | None:
        """The position of a client: never before it connected, and not in the future."""
        now = self.position()
        try:
            known = saved.offset if offset is None else archive.latest(saved.offset, offset)
            return known if archive.latest(known, now) == now else None
        except ValueError:  # not a position
            return None

    async def _claim(self, saved: SavedSocket, start: str) -> MissedPackets | None:
        archive = self._archive()
        if archive is None or not await archive.take(self._namespace.name, saved.pid):
            return None
        # Messages that this server has read come from the archive, later ones as delivered: so
        # nothing is lost or comes twice.
        now, recording = self.position(), self._adapter.record()
        try:
            missed = await self._missed(archive, saved, start, now)
        except LookupError:
            return None
        finally:
            self._adapter.stop_recording(recording)
        if missed is None:
            return None
        rooms = saved.rooms | {saved.sid}
        late = [packet.encode() for _, packet, target in recording.items if target.includes(rooms)]
        return [*missed, *late]

    async def _missed(
        self, archive: Archive, saved: SavedSocket, start: str, end: str
    ) -> list[Sequence[OutgoingPacket]] | None:
        """The packets of the archive; None when there are more than may be sent at once."""
        rooms = saved.rooms | {saved.sid}
        missed: list[Sequence[OutgoingPacket]] = []
        size = 0
        async with aclosing(archive.since(self._namespace.name, start)) as messages:
            async for position, message in messages:
                if archive.latest(position, end) != end:
                    break
                packet = self._packet(message, rooms, position)
                if packet is not None:
                    size += packet.size
                    missed.append(packet.encode())
                if size > self._namespace.max_replay_bytes:
                    return None
        return missed

    def _packet(
        self, message: Message, rooms: frozenset[str], position: str
    ) -> SharedPacket | None:
        body = message.body
        if not isinstance(body, Broadcast) or message.request is not None:
            return None
        if isinstance(body.event, SharedPacket) or body.target.volatile:
            return None
        if not body.target.includes(rooms):
            return None
        event = body.event.shared(self._namespace.name, self._namespace.parser)
        return event.with_argument(position)

    def _archive(self) -> Archive | None:
        core = self._adapter.core
        return core.driver.archive if core.ready and core.driver is not None else None
