"""The suite of all drivers over the broker in this process, in all its kinds."""

from __future__ import annotations

from random import Random
from typing import Any, Unpack

import pytest

from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings, Inbox
from socketio_asgi.testing.adapters import AdapterConformance, Broker
from tests.support.autojump import autojump

from .loopback import WIRES, Bus, LoopbackDriver, position_after

KINDS: dict[str, dict[str, Any]] = {
    "rooms": {"subscribes_rooms": True, "private_rooms": True, "echo": False, "max_payload": 4000},
    "counting": {"counts": True, "direct": False, "at_least_once": True},
}
"""By name: the traits of the broker, beside that without any."""


@pytest.fixture
def anyio_backend(each_backend: Any) -> Any:
    """Wait for nothing: all is in this process."""
    return autojump(each_backend)


class Link:
    """The network of one server."""

    def __init__(self) -> None:
        self.broken = False
        self.cuts = 0
        self.driver: LinkedDriver | None = None


class LinkedDriver(LoopbackDriver):
    """A connection that may break."""

    def __init__(self, bus: Bus, link: Link) -> None:
        super().__init__(bus)
        self._link = link

    async def start(self, inbox: Inbox) -> bool:
        if self._link.broken:
            raise ConnectionError("the network is broken")
        self._link.driver = self
        gap = await super().start(inbox)
        return gap and not self._read_again(inbox.position)

    def _read_again(self, position: str | None) -> bool:
        """Hand on what came since a position, if the messages have some."""
        if position is None or not self.traits.positions:
            return False
        first = int(position.removesuffix("-0"))
        for number, data in enumerate(self.bus.log[first:], start=first + 1):
            self.inbox.runtime.start_background(self._queue_soon(data, position_after(number)))
        return True

    async def _queue_soon(self, data: bytes, position: str) -> None:
        self.queue_data(data, position)


class LoopbackBroker(Broker):
    """Carries messages of each cluster on a bus of its own."""

    driver: type[LinkedDriver] = LinkedDriver

    def __init__(self, wire: str, traits: dict[str, Any]) -> None:
        self._wire = wire
        self._traits = traits
        self._buses: dict[str, Bus] = {}
        self._links: dict[ClusterAdapter, Link] = {}

    def bus(self, key: str) -> Bus:
        if key not in self._buses:
            self._buses[key] = Bus(WIRES[self._wire](), **self._traits)
        return self._buses[key]

    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> ClusterAdapter:
        bus, link = self.bus(key), Link()
        adapter = ClusterAdapter(lambda: self.driver(bus, link), **options)
        self._links[adapter] = link
        return adapter

    async def cut(self, adapter: ClusterAdapter) -> None:
        link = self._links[adapter]
        link.broken = True
        link.cuts += 1
        assert link.driver is not None
        driver = link.driver
        driver.bus.drivers.remove(driver)
        driver.inbox.lost(ConnectionError("the network is broken"))

    async def restore(self, adapter: ClusterAdapter) -> None:
        self._links[adapter].broken = False

    async def inject(self, key: str, data: bytes) -> None:
        for driver in self.bus(key).drivers:
            driver.queue_data(data, position_after(0))


@pytest.mark.runtime
class TestPlain(AdapterConformance):
    @pytest.fixture
    def broker(self) -> Broker:
        return LoopbackBroker("python", {})


@pytest.mark.parametrize("kind", KINDS)
class TestKinds(AdapterConformance):
    @pytest.fixture
    def broker(self, kind: str) -> Broker:
        return LoopbackBroker("python", KINDS[kind])


class TestOfficialWire(AdapterConformance):
    @pytest.fixture
    def broker(self) -> Broker:
        return LoopbackBroker("official", {"foreign": True})


class TestPositions(AdapterConformance):
    recovers = True

    @pytest.fixture
    def broker(self) -> Broker:
        return LoopbackBroker("python", {"positions": True})


class DisorderedDriver(LinkedDriver):
    """A connection over which messages overtake each other, and some come twice."""

    def __init__(self, bus: Bus, link: Link) -> None:
        super().__init__(bus, link)
        self._random = Random(len(bus.log))

    def queue_data(self, data: bytes, position: str) -> None:
        for _ in range(self._random.choice([1, 1, 2])):
            super().queue_data(data, position)
            self._queue.rotate(self._random.choice([0, 0, 1]))


class DisorderedBroker(LoopbackBroker):
    driver = DisorderedDriver


class TestDisorder(AdapterConformance):
    ordered = False

    @pytest.fixture
    def broker(self) -> Broker:
        return DisorderedBroker("python", {"at_least_once": True})
