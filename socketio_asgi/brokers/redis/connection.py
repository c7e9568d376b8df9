"""One connection with one server: commands in order, and what the server sends by itself."""

from __future__ import annotations

import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from enum import Enum
from typing import Any, Final

from ...exceptions import NotRetryable
from ...runtime import Cancellable, Event, Runtime
from ...runtime.links import Link, open_link
from .errors import RedisConnectionError, RedisOverloaded, RedisReplyError
from .resp import INCOMPLETE, Argument, RespError, encode_command, make_reader
from .server import RedisServer

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""The most bytes that wait for a server which does not take them; more commands are refused."""

OnMessage = Callable[[bytes, bytes], object]
"""Called with the channel and the data of each message, in order; it does not raise."""

OnPatternMessage = Callable[[bytes, bytes, bytes], object]
"""The same for subscriptions to patterns; called with the pattern first."""

OnLost = Callable[[Exception], object]
"""Called once, when the connection is lost; not when it is closed by its owner."""


class Subscription(Enum):
    """The three kinds of subscriptions; each value is the command."""

    CHANNEL = "SUBSCRIBE"
    PATTERN = "PSUBSCRIBE"
    SHARD = "SSUBSCRIBE"


_ENDS: Final = {
    Subscription.CHANNEL: "UNSUBSCRIBE",
    Subscription.PATTERN: "PUNSUBSCRIBE",
    Subscription.SHARD: "SUNSUBSCRIBE",
}


class Reply(Awaitable[Any]):
    """The answer to a command: it may be awaited, now or later, or dropped.

    Awaiting it gives the value, with texts as bytes.

    Raises:
        RedisReplyError: The server has refused the command.
        RedisConnectionError: The connection was lost before the answer came.

    Attributes:
        done: Whether it is there.
        error: The error that is raised; None when there is none, or no answer yet.
        on_error: Called with the error, when there is one; for replies that nobody awaits.
    """

    __slots__ = ("_event", "_runtime", "_value", "confirms", "done", "error", "on_error")

    def __init__(self, runtime: Runtime, confirms: tuple[bytes, bytes] | None = None) -> None:
        self._runtime = runtime
        self._value: Any = None
        self._event: Event | None = None
        self.confirms: tuple[bytes, bytes] | None = confirms
        self.done: bool = False
        self.error: Exception | None = None
        self.on_error: Callable[[Exception], object] | None = None

    def settle(self, value: Any) -> None:
        """The answer is there."""
        if isinstance(value, Exception):
            self.error = value
            if self.on_error is not None:
                self.on_error(value)
        else:
            self._value = value
        self.done = True
        if self._event is not None:
            self._event.set()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def _wait(self) -> Any:
        if not self.done:
            self._event = self._event or self._runtime.event()
            await self._event.wait()
        if self.error is not None:
            raise self.error
        return self._value


class RedisConnection:
    """A connection; see :mod:`socketio_asgi.brokers.redis`.

    Args:
        server: The server.
        runtime: The event loop; everything is called in its thread.
        on_message: Called with each message of a subscription.
        on_lost: Called when the connection is lost.
        on_pattern_message: Called with each message of a subscription to a pattern.

    Attributes:
        server: The same.
        mode: What the server says of itself: ``standalone``, ``cluster`` or ``sentinel``.
        version: Its version, such as ``7.2.4``.
        closed: Whether the connection is lost or closed.
    """

    def __init__(
        self,
        server: RedisServer,
        runtime: Runtime,
        on_message: OnMessage | None = None,
        on_lost: OnLost | None = None,
        on_pattern_message: OnPatternMessage | None = None,
    ) -> None:
        self.server: RedisServer = server
        self.mode: str = "standalone"
        self.version: str = ""
        self.closed: bool = False
        self._runtime = runtime
        self._on_message = on_message or _ignore
        self._on_lost = on_lost or _ignore
        self._on_pattern_message = on_pattern_message or _ignore
        self._link: Link | None = None
        self._reader, self._push_type = make_reader()
        self._replies: deque[Reply] = deque()
        self._heard = 0.0
        self._timer: Cancellable | None = None

    # -- life --------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect and log in; may be called once.

        Raises:
            NotRetryable: The server does not let this client in, or is too old.
            RedisConnectionError: It cannot be reached, or is not ready.
        """
        try:
            await self._runtime.within(self.server.answer_seconds, self._open())
        except BaseException as error:
            self.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise NotRetryable(f"Redis at {self.server} is not trusted: {error}") from error
            if isinstance(error, TimeoutError):
                raise RedisConnectionError(f"Redis at {self.server} does not answer") from error
            if isinstance(error, OSError) and not isinstance(error, RedisConnectionError):
                message = f"Redis at {self.server} cannot be reached: {error}"
                raise RedisConnectionError(message) from error
            raise
        self._heard = self._runtime.now()
        self._timer = self._runtime.call_later(self.server.silence_seconds, self._look)

    async def _open(self) -> None:
        self._link = await open_link(self.server.endpoint, self, self._runtime)
        username, password = self.server.username, self.server.password
        if self.server.credentials is not None:
            username, password = await self.server.credentials()
        hello: list[Argument] = ["HELLO", 3]
        if password is not None:
            hello += ["AUTH", username or "default", password]
        if self.server.client_name:
            hello += ["SETNAME", self.server.client_name]
        try:
            greeting: dict[bytes, Any] = await self.send(*hello)
            self.mode = greeting[b"mode"].decode()
            self.version = greeting[b"version"].decode()
            if self.server.database:
                await self.send("SELECT", self.server.database)
        except RedisReplyError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: RedisReplyError) -> Exception:
        text = str(error)
        if "unknown command" in text.lower() or error.code == "NOPROTO":
            return NotRetryable(f"Redis at {self.server} is older than version 6: {text}")
        if error.code in {"NOAUTH", "WRONGPASS", "NOPERM"}:
            return NotRetryable(f"Redis at {self.server} refuses the log-in: {text}")
        if error.code == "ERR" and "max number of clients" not in text:
            return NotRetryable(f"Redis at {self.server} refuses the connection: {text}")
        return RedisConnectionError(f"Redis at {self.server} is not ready: {text}")

    def close(self) -> None:
        """End the connection; what was not answered may be lost."""
        self._finish(RedisConnectionError("the connection with Redis was closed"))

    def _lose(self, error: Exception) -> None:
        if not self.closed:
            self._finish(error)
            self._on_lost(error)

    def _finish(self, error: Exception) -> None:
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._link is not None:
            self._link.close()
        replies, self._replies = self._replies, deque()
        for reply in replies:
            reply.settle(error)

    def _look(self) -> None:
        """Look whether the server lives, after a time in which it should have said something."""
        quiet = self._runtime.now() - self._heard
        rest = self.server.silence_seconds - quiet
        if rest > 0:
            self._timer = self._runtime.call_later(rest, self._look)
        else:
            self._timer = self._runtime.call_later(self.server.answer_seconds, self._look_again)
            with suppress(RedisOverloaded):  # then there is much that it has not taken
                self.send("PING")

    def _look_again(self) -> None:
        if self._runtime.now() - self._heard >= self.server.answer_seconds:
            message = f"Redis at {self.server} has not answered for {self.server.answer_seconds} s"
            self._lose(RedisConnectionError(message))
        else:
            self._look()

    # -- commands ----------------------------------------------------------------------------

    def send(self, *command: Argument) -> Reply:
        """Send a command; the one that was sent first is answered first.

        Args:
            *command: Its name and its arguments. Subscriptions have methods of their own.

        Raises:
            RedisConnectionError: The connection is over.
            RedisOverloaded: More than :data:`MAX_WAITING_BYTES` wait already.
        """
        return self._send(command, Reply(self._runtime))

    def subscribe(self, kind: Subscription, channel: bytes) -> Reply:
        """Subscribe to a channel or pattern; the answer comes before its first message.

        Raises:
            As :meth:`send`.
        """
        name = kind.value
        return self._send((name, channel), Reply(self._runtime, (name.lower().encode(), channel)))

    def unsubscribe(self, kind: Subscription, channel: bytes) -> Reply:
        """End a subscription.

        Raises:
            As :meth:`send`.
        """
        name = _ENDS[kind]
        return self._send((name, channel), Reply(self._runtime, (name.lower().encode(), channel)))

    def _send(self, command: tuple[Argument, ...], reply: Reply) -> Reply:
        link = self._link
        if link is None or self.closed:
            raise RedisConnectionError("there is no connection with Redis")
        if link.waiting > MAX_WAITING_BYTES:
            raise RedisOverloaded(f"more than {MAX_WAITING_BYTES} bytes wait for Redis")
        link.write(encode_command(command))
        self._replies.append(reply)
        return reply

    # -- what comes --------------------------------------------------------------------------

    def on_data(self, data: bytes) -> None:
        """Called with what came."""
        self._heard = self._runtime.now()
        self._reader.feed(data)
        while not self.closed:
            try:
                return self._read_all()
            except RespError as error:
                self._lose(RedisConnectionError(f"Redis at {self.server} sent nonsense: {error}"))
            except Exception:  # a mistake of ours in one message must not cost the others
                logger.exception("a message of Redis cannot be handled")

    def _read_all(self) -> None:
        reader, push_type, on_message = self._reader, self._push_type, self._on_message
        on_pattern_message = self._on_pattern_message
        while (reply := reader.gets()) is not INCOMPLETE and not self.closed:
            if type(reply) is not push_type:
                self._on_reply(reply)
            elif (kind := reply[0]) == b"pmessage":
                on_pattern_message(reply[1], reply[2], reply[3])
            elif kind in _MESSAGES:
                on_message(reply[1], reply[2])
            else:
                self._on_subscription(reply)

    def _on_reply(self, value: Any) -> None:
        if not self._replies:
            raise RespError("an answer came to no command")
        self._replies.popleft().settle(value)

    def _on_subscription(self, push: list[Any]) -> None:
        """A subscription has begun or ended: because that was asked for, or by itself.

        Redis ends those of a slot that goes to another server.
        """
        key = tuple(push[:2])
        if self._replies and self._replies[0].confirms == key:
            self._replies.popleft().settle(push[2])
        elif key[0] in _UNSUBSCRIBED:
            self._lose(RedisConnectionError(f"{self.server} has ended a subscription: {key[1]!r}"))

    def on_drain(self) -> None:
        """Called when the server has taken everything; commands do not wait for that."""

    def on_end(self, error: Exception | None) -> None:
        """Called when the stream has ended."""
        detail = "it was closed there" if error is None else str(error)
        self._lose(RedisConnectionError(f"the connection with Redis is lost: {detail}"))


_MESSAGES = frozenset({b"message", b"smessage"})
_UNSUBSCRIBED = frozenset({name.lower().encode() for name in _ENDS.values()})


def _ignore(*_: object) -> None:
    """Nobody listens."""
