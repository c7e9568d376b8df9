"""The questions of a test to a client: the events that came to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio

from ..client.socket import ClientSocket
from ..client.streams import ReceivedEvent
from ..events.declared import Event
from ..exceptions import AckError
from .application import Application
from .inbox import Entry, Inbox
from .settling import settle

TIMEOUT_SECONDS = 5.0
"""Seconds in real time that an event is waited for, unless a test says otherwise."""


class Receiving(ClientSocket):
    """A namespace of a client that keeps every event, for the test to look at."""

    _application: Application
    _raises: bool
    _inbox: Inbox
    _disconnects: list[str]

    def _begin_to_receive(self, application: Application, *, raises: bool) -> None:
        self._application = application
        self._raises = raises
        self._inbox = Inbox(application.changed)
        self.__socketio__.add_taker(self._inbox)
        self._disconnects = []
        self.on("disconnect")(self._on_disconnect)

    async def _on_disconnect(self, reason: str) -> None:
        self._disconnects.append(reason)
        self._application.changed.notify()

    @property
    def history(self) -> tuple[ReceivedEvent, ...]:
        """All events that came, from the connection on, whether the test has looked at them or not.

        Each has a ``name``, its ``args``, and ``data``: what :meth:`received` returns.
        """
        return self._inbox.history

    async def received(
        self, event: str | Event[Any, Any], /, *, timeout: float = TIMEOUT_SECONDS
    ) -> Any:
        """The values of the next event of that name that the test has not looked at yet.

        It may have come before, from the connection on; otherwise it is waited for.

        Args:
            event: The name of the event, or an :class:`~socketio_asgi.Event` that was declared.
            timeout: How long to wait, in seconds of real time.

        Returns:
            The value; several as a tuple; None for an event without values.

        Raises:
            AssertionError: It did not come, or the client has disconnected.
            Exception: What the application has raised meanwhile.
        """
        name = event.name if isinstance(event, Event) else event
        return (await self._next([name], timeout)).data

    async def next_event(self, *, timeout: float = TIMEOUT_SECONDS) -> ReceivedEvent:
        """The next event of any name that the test has not looked at yet.

        Args:
            timeout: How long to wait, in seconds of real time.

        Raises:
            AssertionError: None came, or the client has disconnected.
            Exception: What the application has raised meanwhile.
        """
        return await self._next([], timeout)

    async def _next(self, names: list[str], timeout: float) -> ReceivedEvent:
        with anyio.move_on_after(timeout):
            while True:
                self.__raise_faults__()
                event = self._inbox.take(names)
                if event is not None:
                    return event
                if not self.active:
                    break
                await self._application.changed.wait()
        raise AssertionError(self._complaint(names, timeout))

    async def disconnected(self, *, timeout: float = TIMEOUT_SECONDS) -> str:
        """Wait until the client is disconnected from the namespace; returns the reason.

        Each disconnect is told of once, as :meth:`received` does with events.

        Args:
            timeout: How long to wait, in seconds of real time.

        Returns:
            The reason, such as ``"io server disconnect"`` or ``"transport close"``.

        Raises:
            AssertionError: It is still connected.
            Exception: What the application has raised meanwhile.

        Source: https://socket.io/docs/v4/client-socket-instance/#disconnect
        """
        with anyio.move_on_after(timeout):
            while not self._disconnects:
                self.__raise_faults__()
                await self._application.changed.wait()
        self.__raise_faults__()
        if self._disconnects:
            return self._disconnects.pop(0)
        raise AssertionError(f"{self!r} was not disconnected within {timeout:g} seconds")

    def _complaint(self, names: list[str], timeout: float) -> str:
        wanted = repr(names[0]) if names else "event"
        if self.active:
            begin = f"no {wanted} came to {self!r} within {timeout:g} seconds"
        else:
            begin = f"no {wanted} came to {self!r}, and none will: it is not connected"
        nearest = self._inbox.nearest(names[0]) if names else None
        hint = f"; {nearest!r} did" if nearest else ""
        return f"{begin}{hint}\n{self._inbox.describe()}"

    async def assert_nothing_received(self, *events: str | Event[Any, Any]) -> None:
        """Check that no event came that the test has not looked at yet.

        Before that, everything that was sent arrives, and the handlers that run do so until they
        end or wait. Time does not pass for that.

        Args:
            *events: The names of events, or declared ones; none is any.

        Raises:
            AssertionError: One came.
            Exception: What the application has raised meanwhile.
        """
        names = [event.name if isinstance(event, Event) else event for event in events]
        await settle()
        self.__raise_faults__()
        found = self._inbox.unseen(names)
        if found:
            raise AssertionError(_unexpected(self, found))

    async def _ask(
        self, name: str, values: Sequence[Any], timeout: float | None, pick: Callable[..., Any]
    ) -> Any:
        try:
            answer = await super()._ask(name, values, timeout, pick)
        except AckError:
            self.__raise_faults__()  # they may be the cause
            raise
        self.__raise_faults__()
        return answer

    def __raise_faults__(self) -> None:
        # The errors of the application that the test has not been told of.
        if self._raises:
            self._application.faults.raise_first()


def _unexpected(socket: Receiving, found: list[Entry]) -> str:
    lines = "\n".join(f"  {entry}" for entry in found)
    return f"{socket!r} received what the test did not expect:\n{lines}"
