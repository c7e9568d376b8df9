"""What a client gets when it comes back, compared with a simple account of what it is meant to get.

Everything that happens to two clients, in any order: events to rooms and except rooms, rooms that
are joined and left one by one or together, also while they are away, losses, and returns with one
of the offsets that they have been given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from socketio_asgi.adapters import ConnectionStateRecovery, MemoryAdapter, MemoryLog

from .support import FakeNamespace, FakeSocket, make_target

SIDS = ["a", "b"]
ROOMS = ["red", "blue"]

Step = tuple[str, Any, Any]


class Client:
    """One client: the rooms that it is in, and the events that were meant for it, with offsets."""

    def __init__(self, start: str) -> None:
        self.start = start
        self.away = False
        self.rooms: set[str] = set()
        self.meant: list[list[Any]] = []
        self.delivered = 0  # of those

    def offset(self, unread: int) -> str | None:
        """What it sends if the last events were lost with the connection."""
        offsets = [self.start, *(event[-1] for event in self.meant[: self.delivered])]
        return offsets[max(0, len(offsets) - 1 - unread)] if self.delivered else None


class Account:
    """An adapter with two clients, and what they are to get."""

    def __init__(self) -> None:
        recovery = ConnectionStateRecovery(max_disconnection_duration=60)
        self.namespace = FakeNamespace(recovery=recovery)
        self.namespace.adapter = self.adapter = MemoryAdapter(self.namespace)
        assert isinstance(self.adapter.log, MemoryLog)
        self.log: MemoryLog = self.adapter.log
        self.clients = {sid: Client(self.log.position()) for sid in SIDS}
        for sid in SIDS:
            self.namespace.add(sid)

    def selected(self, rooms: set[str], excluded: set[str]) -> dict[str, Client]:
        """The clients that are meant now, also those that are away."""
        target = make_target(sorted(rooms), sorted(excluded))
        found = self.clients.items()
        return {sid: one for sid, one in found if target.includes(one.rooms | {sid})}

    async def emit(self, rooms: set[str], excluded: set[str]) -> None:
        target = make_target(sorted(rooms), sorted(excluded))
        self.adapter.broadcast(self.namespace.packet("event"), target)
        for client in self.selected(rooms, excluded).values():
            client.meant.append(["event", self.log.position()])
            if not client.away:
                client.delivered = len(client.meant)

    async def join(self, sid: str, room: str) -> None:
        if not self.clients[sid].away:
            self.clients[sid].rooms.add(room)
            self.adapter.join(sid, [room])

    async def leave(self, sid: str, room: str) -> None:
        if not self.clients[sid].away:
            self.clients[sid].rooms.discard(room)
            self.adapter.leave(sid, room)

    async def all_join(self, rooms: set[str], room: str) -> None:
        for client in self.selected(rooms, set()).values():
            client.rooms.add(room)
        self.adapter.sockets_join(make_target(sorted(rooms)), [room])

    async def all_leave(self, rooms: set[str], room: str) -> None:
        for client in self.selected(rooms, set()).values():
            client.rooms.discard(room)
        self.adapter.sockets_leave(make_target(sorted(rooms)), [room])

    async def lose(self, sid: str, _: int) -> None:
        if not self.clients[sid].away:
            self.clients[sid].away = True
            self.log.lose(sid, f"pid of {sid}", None)
            self.adapter.leave_all(sid)
            del self.namespace.sockets[sid]

    async def come_back(self, sid: str, unread: int) -> None:
        client = self.clients[sid]
        if not client.away:
            return
        offset = client.offset(unread)
        restored = await self.log.find(f"pid of {sid}", offset)
        assert restored is not None
        packets = await restored.claim()
        assert packets is not None
        decoder = self.namespace.parser.decoder()
        found = [decoder.add((packet.text or "")[1:]) for (packet,) in packets]
        expected = [event for event in client.meant if event[-1] > (offset or client.start)]
        assert [packet.data for packet in found if packet is not None] == expected
        assert restored.saved.rooms == client.rooms
        client.away, client.delivered = False, len(client.meant)
        self.log.resume(restored.saved)
        self.adapter.join(sid, sorted(restored.saved.rooms))
        self.namespace.sockets[sid] = FakeSocket(self.namespace, sid)


def steps(function: Callable[..., Any], *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(function.__name__), *args)


some_rooms = st.sets(st.sampled_from([*ROOMS, *SIDS]), max_size=2)
one, room = st.sampled_from(SIDS), st.sampled_from(ROOMS)
events = steps(Account.emit, some_rooms, some_rooms)
STEPS = st.one_of(
    events,
    steps(Account.join, one, room),
    steps(Account.leave, one, room),
    steps(Account.all_join, some_rooms, room),
    steps(Account.all_leave, some_rooms, room),
    steps(Account.lose, one, st.none()),
    steps(Account.come_back, one, st.integers(0, 5)),
)


@settings(max_examples=300)
@given(st.lists(STEPS, min_size=5, max_size=60))
async def test_what_comes_back(history: list[Step]) -> None:
    account = Account()
    for name, first, second in history:
        await getattr(account, name)(first, second)
    for sid in SIDS:
        await account.lose(sid, 0)
        await account.come_back(sid, 2)
    # Nothing is left of who was away.
    assert not account.log._away
    assert not account.log._away_by_sid
    assert not account.log._away_rooms.members
