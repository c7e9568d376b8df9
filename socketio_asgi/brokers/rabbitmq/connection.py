"""A connection to RabbitMQ, whose end is noticed soon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ...exceptions import NotRetryable
from ...runtime import Cancellable, Runtime
from ..guarded import ended, guarded
from .client import (
    ApplicationConnection,
    Channel,
    Link,
    Socket,
    described,
    explained,
    new_link,
)
from .options import ConnectionOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

CLOSE_SECONDS = 1.0
"""The time that the broker has to take what was written before the end."""

ResultT = TypeVar("ResultT")


class Connection:
    """One connection to RabbitMQ, which ends for good when it is lost.

    It has two channels: one to publish, and one for everything else.

    Args:
        options: The way to the broker.
        runtime: The event loop.
        on_lost: Called once, when the connection is lost.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        runtime: Runtime,
        on_lost: Callable[[Exception], object],
    ) -> None:
        self.runtime: Runtime = runtime
        self._options = options
        self._on_lost = on_lost
        self._link: Link | None = None
        self._socket: Socket | None = None
        self._channel: Channel | None = None
        self._publishing: Channel | None = None
        self._open = False
        self._error: Exception | None = None
        self._pinging: Cancellable | None = None

    @property
    def channel(self) -> Channel:
        """The channel for queues and what comes from them.

        Raises:
            ConnectionError: It is not there.
        """
        if self._channel is None:
            raise ConnectionError("the RabbitMQ connection is not open")
        return self._channel

    @property
    def publishing(self) -> Channel:
        """The channel to publish on, which confirms.

        Raises:
            ConnectionError: It is not there.
        """
        if self._error is not None or self._publishing is None:
            raise ConnectionError("the RabbitMQ connection is lost") from self._error
        return self._publishing

    @property
    def lost(self) -> bool:
        """True if it has ended, for whatever reason."""
        return self._error is not None

    # -- life --------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, or begin with the connection of the application.

        Raises:
            NotRetryable: It makes no sense to try again.
            ConnectionError: The broker is not there.
        """
        application = self._options.connection
        try:
            if application is None:
                self._link = await self._connected()
            else:
                self._link = _link_of(application)
            await self.within(self._open_channels(self._link))
        except Exception as error:
            raise explained(error) from error
        finally:
            if self._error is not None:  # it was closed meanwhile
                await self._end()
        if self._error is not None:
            raise ConnectionError("the RabbitMQ connection was closed")
        self._open = True
        self._pinging = self.runtime.start_background(self._ping())

    async def _connected(self) -> Link:
        """Connect to the first node that is there."""
        failed: Exception | None = None
        for url in self._options.urls:
            link, self._socket = new_link(url, self._options.ssl)
            try:
                work = guarded(link.connect())
                await self.runtime.within(self._options.connect_timeout, work)
            except Exception as error:  # noqa: BLE001  # aiormq has errors of its own
                self._socket.abort()
                failed = explained(error)
            else:
                return link
        raise failed or ConnectionError("there is no URL")

    async def _open_channels(self, link: Link) -> None:
        self._channel = await link.channel(publisher_confirms=False)
        self._publishing = await link.channel(publisher_confirms=True)
        for part in (link, self._channel, self._publishing):
            part.closing.add_done_callback(self._on_closing)
        self._channel.on_consumer_cancel_callbacks.add(self._on_cancelled)

    async def within(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Await an answer of the broker, for no longer than ``ping_timeout``.

        Raises:
            TimeoutError: It did not come.
        """
        try:
            return await self.runtime.within(self._options.ping_timeout, guarded(work))
        except TimeoutError:
            raise TimeoutError("RabbitMQ does not answer") from None

    async def close(self) -> None:
        """End the connection; one of the application loses its channels alone."""
        self._finish(ConnectionError("the RabbitMQ connection is closed"))
        if self._pinging is not None:
            self._pinging.cancel()
        await self._end()

    async def _end(self) -> None:
        link, self._link = self._link, None
        channels = (self._channel, self._publishing)
        parts = channels if self._options.connection is not None else (link,)
        for part in parts:
            if part is not None:
                await ended(self.runtime, part.close(), CLOSE_SECONDS)
        if self._socket is not None:
            self._socket.abort()

    def _finish(self, error: Exception) -> bool:
        """Use the connection no more; False when that was so before."""
        was_open, self._open = self._open, False
        self._error = self._error or error
        return was_open

    def lose(self, error: Exception) -> None:
        """Give the connection up: it does not do what it should."""
        if self._finish(error):
            self._on_lost(error)

    def _on_closing(self, closing: Any) -> None:
        error = None if closing.cancelled() else closing.exception()
        detail = "" if error is None else f": {described(error)}"
        self.lose(ConnectionError(f"RabbitMQ has ended the connection{detail}"))

    def _on_cancelled(self, _frame: object) -> None:
        self.lose(ConnectionError("RabbitMQ has removed the queue of this server"))

    async def _ping(self) -> None:
        """Ask again and again whether the broker is there; heartbeats would take far longer."""
        options, publishing = self._options, self._publishing
        try:
            while self._open and publishing is not None:
                await asyncio.sleep(options.ping_interval)
                await guarded(publishing.basic_qos(prefetch_count=0, timeout=options.ping_timeout))
        except Exception as error:  # noqa: BLE001  # a time-out, or what the network says
            self.lose(ConnectionError(f"RabbitMQ does not answer: {described(error)}"))


def _link_of(application: ApplicationConnection) -> Link:
    """The link below a connection of aio-pika.

    Raises:
        NotRetryable: The application has closed it.
        ConnectionError: It is not there for now.
    """
    if application.close_called or application.is_closed:
        raise NotRetryable("the RabbitMQ connection of the application is closed")
    link: Link | None = getattr(application.transport, "connection", None)
    if link is None or not link.is_opened:
        raise ConnectionError("the RabbitMQ connection of the application is not connected")
    return link
