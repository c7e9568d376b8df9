"""Rooms: joining, leaving, disconnecting and broadcasts, among few of them and among many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import cycle
from time import perf_counter

from benchmarks.load.clients import CONNECT_TIMEOUT, Client, connect, event
from benchmarks.load.meter import Meter, Sample
from benchmarks.load.raw import masked_frame

from .broadcast import Broadcast, Listener, check
from .connecting import AT_A_TIME, Done, Visit, come_and_go
from .scenario import Scenario

CLIENTS = 100
TOTALS = (10, 1000, 100_000)
MEMBERS = 10  # of the room that is told something
VISITED = 10  # rooms of a client that comes and goes
TEXT = "x" * 32
ROOMS_AT_A_TIME = 100  # in one event


class Member(Listener):
    """Joins rooms, many with one event, before it listens."""

    def __init__(self, meter: Meter, broadcasts: dict[bytes, Broadcast]) -> None:
        super().__init__(meter, broadcasts)
        self.joined = meter.future()

    def join(self, rooms: Sequence[str]) -> None:
        self._rooms = rooms
        self.receive = self._acknowledged
        self._continue()

    def _continue(self) -> None:
        if not self._rooms:
            self.receive = self.on_message
            self.joined.set_result(None)
            return
        some, self._rooms = self._rooms[:ROOMS_AT_A_TIME], self._rooms[ROOMS_AT_A_TIME:]
        self._answer = b"431[%d]" % len(some)
        self.send(event("join", *some, ack=1))

    def _acknowledged(self, payload: bytes) -> None:
        if payload != self._answer:
            self.unexpected(payload)
        else:
            self._continue()


class Wanderer(Client):
    """Joins one room after the other, and leaves each at once."""

    def __init__(self, meter: Meter, rooms: Sequence[str]) -> None:
        super().__init__(meter)
        self._steps = cycle(
            [(event("join", room, ack=1), event("leave", room, ack=1)) for room in rooms]
        )

    def start(self) -> None:
        self._sent = perf_counter()
        join, self._leave = next(self._steps)
        self.receive = self._in_room
        self.send(join)

    def _in_room(self, payload: bytes) -> None:
        self._check(payload)
        self.receive = self._out_again
        self.send(self._leave)

    def _out_again(self, payload: bytes) -> None:
        self._check(payload)
        self.meter.latencies.append(perf_counter() - self._sent)
        if not self.meter.stopping:
            self.start()

    def _check(self, payload: bytes) -> None:
        if payload != b"431[1]":
            self.unexpected(payload)


class RoomVisit(Visit):
    """Joins some rooms before it closes.

    Args:
        joins: The frames that ask for it; each client takes the next one.
    """

    def __init__(
        self, joins: Sequence[bytes], meter: Meter, port: int, index: int, done: Done
    ) -> None:
        super().__init__(meter, port, index, done)
        self._join = joins[index % len(joins)]

    def on_joined(self) -> None:
        self.message = self._in_rooms
        self.write(self._join)

    def _in_rooms(self, payload: bytes) -> None:
        if payload != b"431[%d]" % VISITED:
            self.unexpected(payload)
        self.leave()


def room_names(total: int) -> list[str]:
    return [f"r{number}" for number in range(total)]


async def settle(members: Sequence[Member], rooms: Sequence[Sequence[str]]) -> None:
    """Let each of the members be in its rooms."""
    for member, some in zip(members, rooms, strict=True):
        member.join(some)
    for member in members:
        await member.meter.wait(member.joined, CONNECT_TIMEOUT)


async def furnish(total: int, port: int, meter: Meter) -> list[str]:
    """Let rooms exist: others are in them, one in each, and do nothing more."""
    names = room_names(total)
    residents = await connect(port, [Member(meter, {}) for _ in range(CLIENTS)])
    await settle(residents, [names[index::CLIENTS] for index in range(CLIENTS)])
    return names


async def run_wandering(total: int, port: int, meter: Meter) -> Sample:
    rooms = await furnish(total, port, meter)
    wanderers = [Wanderer(meter, rooms[index % total :: CLIENTS]) for index in range(CLIENTS)]
    for wanderer in await connect(port, wanderers):
        wanderer.start()
    return await meter.window()


async def run_visiting(total: int, port: int, meter: Meter) -> Sample:
    rooms = await furnish(total, port, meter)
    joins = [
        masked_frame(event("join", *rooms[first : first + VISITED], ack=1))
        for first in range(0, total, VISITED)
    ]
    return await come_and_go(partial(RoomVisit, joins), port, meter)


async def run_telling(total: int, port: int, meter: Meter) -> Sample:
    """The room ``r0`` has ten members, each of the others one."""
    broadcast = Broadcast(meter, event("tell", "r0", TEXT), TEXT, MEMBERS)
    by_message = {broadcast.message: broadcast}
    members = await connect(port, [Member(meter, by_message) for _ in range(CLIENTS)])
    names = room_names(total)
    rooms = [names[index::CLIENTS] for index in range(CLIENTS)]
    for some in rooms[1:MEMBERS]:
        some.append("r0")
    await settle(members, rooms)
    broadcast.start(members[0])
    sample = await meter.window(lambda: sum(member.received for member in members))
    await check(meter, [broadcast], members[:MEMBERS])
    return sample


def _scenarios(
    name: str, title: str, unit: str, run: Callable[[int, int, Meter], Awaitable[Sample]]
) -> tuple[Scenario, ...]:
    """One for each number of rooms."""
    return tuple(
        Scenario(
            name=f"{name}-{total}",
            title=f"{title} among {total} rooms",
            unit=unit,
            run=partial(run, total),
            needs=frozenset({"rooms"}),
        )
        for total in TOTALS
    )


SCENARIOS = (
    *_scenarios("room-of", f"broadcast to a room of {MEMBERS} clients", "µs/delivery", run_telling),
    *_scenarios(
        "join-among", f"join and leave one, {CLIENTS} clients,", "µs/join and leave", run_wandering
    ),
    *_scenarios(
        "visit-among",
        f"connect over WebSocket, join {VISITED}, close; {AT_A_TIME} at a time,",
        "µs/connection",
        run_visiting,
    ),
)
