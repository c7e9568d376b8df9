"""The way of questions to the other servers: published, and led to those that owe an answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from ...runtime import Cancellable, Event, Runtime
from ...runtime.awaitables import DONE
from .driver import Census, Driver
from .heartbeats import GATHER_SECONDS
from .members import Members
from .message import Message
from .requests import Request, Requests

RECOUNT_SECONDS = 1.0
"""The time between two looks how many servers there are, while answers are waited for."""


class AskingCore(Protocol):
    """The core, as its questions need it."""

    driver: Driver | None
    ready: bool

    def publish(self, message: Message, seconds: float | None = ...) -> Awaitable[Any]:
        """Send a message to all other servers of its namespace."""
        ...

    def dropped(self, reason: str, error: Exception | None = None) -> None:
        """Count something that was lost."""
        ...


class Asking:
    """Publishes questions, and finds out which servers owe the answers.

    Args:
        core: The core.
        runtime: The event loop.
        requests: The open questions.
        members: The other servers that have names.

    Attributes:
        gathered: Whether the others had the time to introduce themselves since the connection.
    """

    def __init__(
        self, core: AskingCore, runtime: Runtime, requests: Requests, members: Members
    ) -> None:
        self.gathered: bool = False
        self._core = core
        self._runtime = runtime
        self._requests = requests
        self._members = members
        self._was_ready = False
        self._waiters: list[Event] = []
        self._gathering: Cancellable | None = None
        self._recount: Cancellable | None = None

    # -- life --------------------------------------------------------------------------------

    def begin(self, *, gathers: bool) -> None:
        """The broker is there.

        Args:
            gathers: Whether the others introduce themselves now.
        """
        self._was_ready = True
        if gathers:
            self._gathering = self._runtime.call_later(GATHER_SECONDS, self._on_gathered)
        else:
            self._on_gathered()

    def _on_gathered(self) -> None:
        self._gathering = None
        self.gathered = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.set()
        self._begin_requests()

    async def acquainted(self) -> None:
        """Wait until the others had the time to introduce themselves."""
        while not self.gathered:
            waiter = self._runtime.event()
            self._waiters.append(waiter)
            await waiter.wait()

    def pause(self) -> None:
        """Called when the broker is gone, or this server ends: no answer will come any more."""
        self.gathered = False
        for timer in (self._gathering, self._recount):
            if timer is not None:
                timer.cancel()
        self._gathering = self._recount = None
        self._requests.give_up()

    # -- questions ---------------------------------------------------------------------------

    def ask(self, request: Request, message: Message, seconds: float) -> Awaitable[Any]:
        """Publish a question, in its place in the order of the calls.

        While the broker is away, no server can answer. Before it was there for the first time, the
        question waits like everything else.
        """
        self._requests.add(request)
        if self._was_ready and not self._core.ready:
            request.servers.begin(self._members.of(request.namespace))
            request.servers.give_up()
            request.changed()
            return DONE
        sent = self._core.publish(message, seconds)
        if self.gathered:
            self._begin_requests()
        return sent

    def _begin_requests(self) -> None:
        """Find out which servers owe the answers to questions that have just been published."""
        beginning = self._requests.waiting(lambda request: not request.servers.begun)
        if not self._counts:
            for request in beginning:
                request.servers.begin(self._members.of(request.namespace))
                request.changed()
        elif beginning:
            self._count_for(beginning)
            if self._recount is None:
                self._recount = self._runtime.call_later(RECOUNT_SECONDS, self._count_again)

    @property
    def _counts(self) -> bool:
        driver = self._core.driver
        return driver is not None and driver.traits.counts

    def _count_again(self) -> None:
        self._recount = None
        waiting = self._requests.waiting(lambda request: request.waits)
        self._count_for(waiting)
        if waiting:
            self._recount = self._runtime.call_later(RECOUNT_SECONDS, self._count_again)

    def _count_for(self, requests: list[Request]) -> None:
        for name in {request.namespace for request in requests}:
            self._runtime.start_background(self._count(name))

    async def _count(self, namespace: str) -> None:
        driver = self._core.driver
        if driver is None:
            return
        try:
            census = await driver.census(namespace, self._names(namespace))
        except Exception as error:  # noqa: BLE001  # it is asked again
            self._core.dropped("the broker does not count the servers", error)
            return
        if driver is not self._core.driver or not self._core.ready:
            return
        self._take(namespace, census)

    def _names(self, namespace: str) -> set[str]:
        """The ids of the servers that are asked, or have answered."""
        asked = self._requests.waiting(lambda item: item.namespace == namespace)
        return self._members.of(namespace).union(*(request.names for request in asked))

    def _take(self, namespace: str, census: Census) -> None:
        others = census.servers - 1
        there = self._members.of(namespace) - census.absent
        for request in self._requests.waiting(lambda item: item.namespace == namespace):
            if not request.servers.begun:
                request.servers.begin(self._members.of(namespace), others - len(there))
            request.recount(others, census.absent)

    async def count(self, namespace: str) -> int:
        """The number of servers that have a namespace, this one included."""
        driver = self._core.driver
        if driver is not None and driver.traits.counts:
            return await driver.server_count(namespace)
        return 1 + len(self._members.of(namespace))
