"""A connection to NATS: publishing without waiting, messages in order, and its end noticed soon.

nats-py starts a task for each subscription, so that the messages of two of them would overtake one
another; and a room is a subscription. It also takes a future for the message of a subscription,
and hands the message to that in its reader: what stands in for the future here calls back, as often
as messages come, and so in the order of the server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ...exceptions import NotRetryable
from ...runtime import Cancellable, Event, Runtime
from ...runtime.resuming import resume
from ...runtime.shielding import at_most
from .client import (
    MAX_PENDING_BYTES,
    Client,
    NatsMessage,
    Subscription,
    abort,
    connect,
    pending_limit,
    waiting_bytes,
)
from .options import ConnectionOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

LOOK_SECONDS = 1.0
"""The time between two looks whether the client has lost its server: one of the application tells
nobody but the application."""

CLOSE_SECONDS = 1.0
"""The time that the server has to take what was written before the end."""

HEADER_BYTES = 256
"""Bytes of a message that its headers may take; the server counts them in."""

MEASURE_SECONDS = 0.005
"""The time between two looks at how much waits, which take long when it is much."""

MAX_LOGGED_ERRORS = 20
"""Different errors of one connection that are logged: a server says them again and again."""

Receive = Callable[[NatsMessage], object]
ResultT = TypeVar("ResultT")


class Connection:
    """One connection to NATS, which ends for good when it is lost.

    Args:
        options: The way to the server.
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
        self._client: Client | None = options.client
        self._limit = MAX_PENDING_BYTES
        self._subscribed: set[Subscribed] = set()
        self._reconnects = 0
        self._open = False
        self._error: Exception | None = None
        self._timer: Cancellable | None = None
        self._next: _Round | None = None
        self._asking: _Round | None = None
        self._rounds: Cancellable | None = None
        self._answered = 0.0
        self._written = 0
        self._measured = 0.0
        self._logged: set[str] = set()

    @property
    def client(self) -> Client:
        """The client of nats-py.

        Raises:
            ConnectionError: It is not there yet.
        """
        if self._client is None:
            raise ConnectionError("the NATS connection is not open")
        return self._client

    @property
    def max_payload(self) -> int:
        """The largest message without headers that the server takes, in bytes."""
        return self.client.max_payload

    @property
    def echoes(self) -> bool:
        """True if messages come back that were published here; a client may have been made so."""
        return not self.client.options.get("no_echo")

    # -- life --------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, or begin with the client of the application.

        Raises:
            NotRetryable: It makes no sense to try again.
            ConnectionError: The server is not there.
        """
        options = self._options
        if options.client is None:
            await connect(
                list(options.servers),
                options.connect,
                connect_timeout=options.connect_timeout,
                on_closed=self._on_closed,
                on_error=self._on_error,
                hold=self._hold,
            )
        else:
            self._adopt(options.client)
        self._reconnects = self.client.stats["reconnects"]
        self._open = True
        await self.confirm()
        self._look_later()

    def _hold(self, client: Client) -> None:
        self._client = client

    def _adopt(self, client: Client) -> None:
        if client.is_closed:
            raise NotRetryable("the NATS client of the application is closed")
        if not client.is_connected:
            raise ConnectionError("the NATS client of the application is not connected")
        self._limit = pending_limit(client)

    async def close(self) -> None:
        """End the connection; a client of the application loses the subscriptions alone."""
        self._finish(ConnectionError("the NATS connection is closed"))
        if self._rounds is not None:
            self._rounds.cancel()
        client, self._client = self._client, None
        if client is None:
            return
        if self._options.client is not None:
            for subscribed in self._subscribed:
                subscribed.end(self)
        else:
            try:
                await at_most(CLOSE_SECONDS, client.close())
            except Exception as error:  # noqa: BLE001  # of a connection that is broken anyway
                logger.debug("the NATS client cannot be closed: %r", error)
            abort(client)

    def _finish(self, error: Exception) -> bool:
        """Use the connection no more; False when that was so before."""
        was_open, self._open = self._open, False
        self._error = self._error or error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiting in (self._asking, self._next):
            if waiting is not None:
                waiting.end(self._error)
        self._asking = self._next = None
        return was_open

    def lose(self, error: Exception) -> None:
        """Give the connection up: it does not do what it should."""
        if self._finish(error):
            self._on_lost(error)

    def _on_closed(self) -> None:
        error = None if self._client is None else self._client.last_error
        self.lose(ConnectionError(f"the NATS server has ended the connection: {error}"))

    def _on_error(self, error: Exception) -> None:
        text = str(error)
        if self._open and text not in self._logged and len(self._logged) < MAX_LOGGED_ERRORS:
            self._logged.add(text)
            logger.warning("NATS: %r", error)

    # -- is the server there? ----------------------------------------------------------------

    def _look_later(self) -> None:
        if self._open:
            self._timer = self.runtime.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        client = self.client
        reconnected = client.stats["reconnects"] != self._reconnects
        if client.is_closed or not client.is_connected or reconnected:
            return self.lose(ConnectionError("the NATS client has lost its server"))
        due = self._answered + self._options.ping_interval
        if self._rounds is None and self.runtime.now() >= due:
            self._next = _Round(self.runtime)
            self._ask()
        self._look_later()

    async def confirm(self) -> None:
        """Wait until the server has everything that was written before.

        Raises:
            PermissionError: It has refused a part of it.
            ConnectionError: It does not answer, or the connection was lost.
        """
        if self._error is not None:
            raise ConnectionError("the NATS connection is lost") from self._error
        waiting = self._next
        if waiting is None:
            waiting = self._next = _Round(self.runtime)
            if self._rounds is None:
                self._ask()
        await waiting.wait()

    def _ask(self) -> None:
        self._rounds = self.runtime.start_background(self._ask_on())

    async def _ask_on(self) -> None:
        """Answer all that wait, those of one turn of the event loop together."""
        try:
            while self._next is not None:
                waiting, self._asking, self._next = self._next, self._next, None
                refusal = await self._round_trips()
                self._answered = self.runtime.now()
                waiting.end(refusal)
        except Exception as error:  # noqa: BLE001  # a time-out, or what the network says
            detail = str(error) or type(error).__name__
            self.lose(ConnectionError(f"the NATS server does not answer: {detail}"))
        finally:
            self._rounds = self._asking = None

    async def _round_trips(self) -> PermissionError | None:
        client, before = self.client, self.client.last_error
        # A PING goes out at once, while commands wait for the next turn of the event loop, or for
        # the network. When the answer to a first one is there, they have been written.
        if client.pending_data_size:
            await self.runtime.next_turn()
            if client.pending_data_size:
                await client.rtt(self._options.ping_timeout)
        await client.rtt(self._options.ping_timeout)
        error = client.last_error
        if error is not before and "permissions violation" in str(error).lower():
            return PermissionError(str(error))
        return None

    # -- messages ----------------------------------------------------------------------------

    def publish(
        self, subject: str, data: bytes, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Publish a message, in the order of the calls.

        Raises:
            ConnectionError: The connection is lost, or the server takes nothing.
            ValueError: The message is larger than the server takes.
        """
        client, size = self.client, len(data) + (HEADER_BYTES if headers else 0)
        if self._error is not None:
            raise ConnectionError("the NATS connection is lost") from self._error
        if size > client.max_payload:
            raise ValueError(f"the NATS server takes {client.max_payload} bytes, not {size}")
        self._make_room(client, size)
        self._begin(client.publish(subject, data, reply, headers), _nothing)

    def _make_room(self, client: Client, size: int) -> None:
        """Count what is written, and look now and then how much of it the server has taken."""
        self._written += size
        if self._written <= self._limit:
            return
        now = self.runtime.now()
        if now >= self._measured + MEASURE_SECONDS:
            self._measured = now
            self._written = waiting_bytes(client) + size
        if self._written > self._limit:
            self._written -= size
            raise ConnectionError(f"more than {self._limit} bytes wait for the NATS server")

    def subscribe(self, subject: str, receive: Receive) -> Subscribed:
        """Subscribe to a subject; that is sure when :meth:`confirm` has ended.

        Args:
            subject: The subject, maybe with wildcards.
            receive: Called with each message, in the order of the server over all subscriptions.
        """
        subscribed = Subscribed()
        self._subscribed.add(subscribed)
        work = self.client.subscribe(subject, future=_Receiver(receive))
        self._begin(work, lambda subscription: subscribed.begin(self, subscription))
        return subscribed

    def unsubscribe(self, subscribed: Subscribed) -> None:
        """End a subscription."""
        self._subscribed.discard(subscribed)
        subscribed.end(self)

    def end(self, subscription: Subscription) -> None:
        """End a subscription of nats-py, unless the connection has ended with it."""
        try:
            self._begin(subscription.unsubscribe(), _nothing)
        except Exception as error:  # noqa: BLE001  # it has ended with the connection
            logger.debug("a subscription cannot be ended: %r", error)

    def _begin(self, work: Coroutine[Any, Any, ResultT], done: Callable[[ResultT], object]) -> None:
        """Let a coroutine run at once; nearly never is there something to wait for."""
        try:
            awaited = work.send(None)
        except StopIteration as end:
            done(end.value)
        else:
            self.runtime.start_background(self._go_on(work, awaited, done))

    async def _go_on(
        self,
        work: Coroutine[Any, Any, ResultT],
        awaited: Any,
        done: Callable[[ResultT], object],
    ) -> None:
        try:
            done(await resume(work, awaited))
        except Exception as error:  # noqa: BLE001  # nats-py has errors of its own
            self.lose(error)


class Subscribed:
    """A subscription that may still be about to begin."""

    __slots__ = ("_ended", "_subscription")

    def __init__(self) -> None:
        self._subscription: Subscription | None = None
        self._ended = False

    def begin(self, connection: Connection, subscription: Subscription) -> None:
        """It has begun."""
        self._subscription = subscription
        if self._ended:
            connection.end(subscription)

    def end(self, connection: Connection) -> None:
        """It is to end."""
        if not self._ended:
            self._ended = True
            if self._subscription is not None:
                connection.end(self._subscription)


class _Receiver:
    """Stands in for the future that is to have the message of a subscription."""

    __slots__ = ("_receive",)

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    def cancelled(self) -> bool:
        """True if no message is wanted any more."""
        return False

    def set_result(self, message: NatsMessage) -> None:
        """Take a message."""
        try:
            self._receive(message)
        except Exception:  # the reader of nats-py would end
            logger.exception("a message of NATS cannot be handled")


class _Round:
    """Those who wait for the same answer of the server."""

    __slots__ = ("_error", "_event")

    def __init__(self, runtime: Runtime) -> None:
        self._event: Event = runtime.event()
        self._error: Exception | None = None

    def end(self, error: Exception | None) -> None:
        """The answer is there, or never will be."""
        self._error = error
        self._event.set()

    async def wait(self) -> None:
        """Wait for it; raises what has gone wrong."""
        await self._event.wait()
        if self._error is not None:
            raise self._error


def _nothing(_result: object) -> None:
    """Do nothing."""
