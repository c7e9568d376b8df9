"""The namespaces that a driver has opened, kept equal to those that the server has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ...runtime import Event, Runtime
from .driver import Driver


class Joining(Protocol):
    """The adapter of a namespace, as it is opened."""

    def on_connected(self) -> None:
        """There is a driver, and its traits are known."""
        ...

    def rooms_with_members(self, *, private: bool = False) -> Iterable[str]:
        """The rooms that have members in this process."""
        ...


class Subscriptions:
    """The namespaces that a driver has opened.

    Args:
        runtime: The event loop.
        driver: The driver; it has started.
        namespaces: The adapters of the server's namespaces, which may come and go.

    Attributes:
        ended: Whether the driver is over: another one begins from the start.
        confirmed: The namespaces whose messages come to this server.
    """

    def __init__(self, runtime: Runtime, driver: Driver, namespaces: Mapping[str, Joining]) -> None:
        self.ended: bool = False
        self.confirmed: set[str] = set()
        self._runtime = runtime
        self._driver = driver
        self._namespaces = namespaces
        self._opened: set[str] = set()
        self._settling: dict[str, Event] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._opened

    async def open_all(self) -> None:
        """Open every namespace, those included that come meanwhile."""
        for namespace in self._namespaces.values():  # a driver may begin to read with the first
            namespace.on_connected()
        while missing := [name for name in self._namespaces if name not in self._opened]:
            for name in missing:
                await self.settle(name)

    async def settle(self, name: str) -> None:
        """Open or close a namespace, until the driver has it if and only if the server does.

        One after another: a namespace may come and go faster than a broker answers.
        """
        while name in self._settling:
            await self._settling[name].wait()
        done = self._settling[name] = self._runtime.event()
        try:
            while not self.ended and (name in self._namespaces) != (name in self._opened):
                if name not in self._opened:
                    await self._open(name)
                else:
                    self._opened.discard(name)
                    self.confirmed.discard(name)
                    await self._driver.close_namespace(name)
        finally:
            del self._settling[name]
            done.set()

    def catch_up_with_rooms(self) -> None:
        """Tell the driver of rooms that were made while nobody told it."""
        if self._driver.traits.subscribes_rooms:
            for name in self._opened & self._namespaces.keys():
                for room in list(self._namespaces[name].rooms_with_members()):
                    self._driver.room_created(name, room)

    async def _open(self, name: str) -> None:
        self._opened.add(name)
        self._namespaces[name].on_connected()
        await self._driver.open_namespace(name)
        self.confirmed.add(name)
        traits = self._driver.traits
        if traits.subscribes_rooms and name in self._namespaces:
            rooms = self._namespaces[name].rooms_with_members(private=traits.private_rooms)
            for room in list(rooms):
                await self._driver.room_created(name, room)
