"""The channel layer of a project, as what joins its servers.

Every server has a channel of its own. It is in a group for itself, to which the others send
answers, and in one for each namespace, to which they send everything else.

Source: https://channels.readthedocs.io/en/stable/channel_layer_spec.html
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Awaitable
from hashlib import sha256
from typing import Any, Protocol, Unpack

from ...adapters.cluster import (
    ClusterAdapter,
    ClusterSettings,
    Driver,
    Inbox,
    Message,
    PythonWire,
    Traits,
    hand_in,
)
from ...adapters.cluster.fate import Fate
from ...adapters.cluster.history import History
from ...checks import shown
from ...exceptions import NotRetryable
from ...runtime import Cancellable

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

RENEW_SECONDS = 60.0
"""The time between two entries into the groups, which may have been lost with a restarted Redis,
and expire."""

CHECK_SECONDS = 5.0
"""The time that a message to this server itself may take, when it begins."""

CLOSE_SECONDS = 1.0
"""The time for leaving the groups at the end."""

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""The most bytes of messages that wait for the channel layer; further ones are refused."""

FEW_MESSAGES = 1000
"""A channel that holds less loses messages in a burst, and the log says so at the start."""

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,30}")


class ChannelLayer(Protocol):
    """What is needed of a channel layer."""

    async def new_channel(self, prefix: str) -> str:
        """Make a channel that this process alone reads."""
        ...

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send a message to one channel."""
        ...

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message."""
        ...

    async def group_add(self, group: str, channel: str) -> None:
        """Enter a group."""
        ...

    async def group_discard(self, group: str, channel: str) -> None:
        """Leave a group."""
        ...

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to all channels of a group."""
        ...


class ChannelLayerAdapter(ClusterAdapter):
    """Joins servers over the channel layer of the project.

    ``SOCKETIO = {"adapter": "socketio_asgi.integrations.django.ChannelLayerAdapter"}`` takes the
    one that ``CHANNEL_LAYERS`` calls ``"default"``. A channel layer drops messages where a process
    does not keep up: give it a ``"channel_capacity"`` of ``{"socketio*": 10000}``.

    Args:
        alias: The name of the channel layer in ``CHANNEL_LAYERS``.
        prefix: What its groups and channels begin with: servers that share a channel layer and are
            no cluster need one each.
        **options: Those of :class:`.ClusterOptions`.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        alias: str = "default",
        *,
        prefix: str = "socketio",
        **options: Unpack[ClusterSettings],
    ) -> None:
        if not isinstance(alias, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"alias must be a name in CHANNEL_LAYERS, not {shown(alias)}")
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(
                "prefix must have letters, digits, '-' and '_', and 30 characters at the most; not"
                f" {shown(prefix)}"
            )
        history = History()
        super().__init__(lambda: ChannelLayerDriver(alias, prefix, history), **options)


class ChannelLayerDriver(Driver):
    """Sends to groups, and receives from the channel of this server.

    Args:
        alias: The name of the channel layer.
        prefix: What groups and channels begin with.
        history: What came before.
    """

    def __init__(self, alias: str, prefix: str, history: History) -> None:
        self.traits: Traits = Traits()
        self._alias = alias
        self._prefix = prefix
        self._history = history
        self._wire = PythonWire()
        self._groups: set[str] = set()
        self._channel: str | None = None
        self._waiting: deque[tuple[str, bytes, Fate]] = deque()
        self._bytes = 0
        self._sending = False
        self._closed = False
        self._tasks: list[Cancellable] = []

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Make the channel, and see that it works; see :meth:`.Driver.start`."""
        self._inbox = inbox
        if inbox.runtime.asyncio_loop is None:
            raise NotRetryable("ChannelLayerAdapter needs asyncio: Channels knows no trio")
        self._layer = _layer(self._alias)
        channel = await self._layer.new_channel(self._prefix)
        await self._check(channel)
        self._channel = channel
        await self._enter(self._group_of_server(inbox.server_id))
        self._tasks = [inbox.runtime.start_background(self._read(channel))]
        self._renew_later()
        gap = self._history.server_id == inbox.server_id
        self._history.server_id = inbox.server_id
        return gap

    async def _check(self, channel: str) -> None:
        """Send a message to the own channel, and wait for it.

        Raises:
            NotRetryable: The channel layer does not carry bytes.
        """
        capacity = getattr(self._layer, "get_capacity", None)
        if capacity is not None and capacity(channel) < FEW_MESSAGES:
            logger.warning(
                "the channel layer %r holds %d messages for this server and drops further ones:"
                ' give it "CONFIG": {"channel_capacity": {"%s*": 10000}} in CHANNEL_LAYERS',
                self._alias,
                capacity(channel),
                self._prefix,
            )
        try:
            await self._layer.send(channel, _message(b"\xff"))
        except TypeError as error:
            raise NotRetryable(
                f"the channel layer {self._alias!r} does not carry bytes: it needs a serializer"
                f' that does, such as "serializer_format": "msgpack" ({error})'
            ) from error
        await self._inbox.runtime.within(CHECK_SECONDS, self._receive(channel))

    async def _receive(self, channel: str) -> None:
        await self._layer.receive(channel)

    async def close(self) -> None:
        """Leave the groups."""
        self._stop(ConnectionError("the server ends"))
        groups, self._groups = self._groups, set()
        if self._channel is not None and groups:
            try:
                await self._inbox.runtime.within(CLOSE_SECONDS, self._leave(groups))
            except Exception as error:  # noqa: BLE001  # of whichever channel layer
                logger.debug("the groups cannot be left: %r", error)

    def _stop(self, error: Exception) -> None:
        self._closed = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        waiting, self._waiting, self._bytes = self._waiting, deque(), 0
        for _group, _data, fate in waiting:
            fate.settle(error)

    def _lost(self, error: Exception) -> None:
        if not self._closed:
            self._stop(error)
            self._inbox.lost(error)

    # -- groups ------------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Enter the group of a namespace."""
        await self._enter(self._group_of_namespace(name))

    async def close_namespace(self, name: str) -> None:
        """Leave the group of a namespace."""
        group = self._group_of_namespace(name)
        self._groups.discard(group)
        await self._leave({group})

    async def _enter(self, group: str) -> None:
        if self._channel is not None:
            await self._layer.group_add(group, self._channel)
            self._groups.add(group)

    async def _leave(self, groups: set[str]) -> None:
        for group in groups:
            if self._channel is not None:
                await self._layer.group_discard(group, self._channel)

    def _renew_later(self) -> None:
        timer = self._inbox.runtime.call_later(RENEW_SECONDS, self._renew_soon)
        self._tasks[1:] = [timer]

    def _renew_soon(self) -> None:
        self._tasks[1:] = [self._inbox.runtime.start_background(self._renew())]

    async def _renew(self) -> None:
        try:
            for group in list(self._groups):
                await self._enter(group)
        except Exception as error:  # noqa: BLE001  # of whichever channel layer
            self._lost(error)
        else:
            self._renew_later()

    def _group_of_namespace(self, name: str) -> str:
        # Groups have ASCII names of limited length, and namespaces have any.
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._prefix}.nsp.{digest[:40]}"

    def _group_of_server(self, server: str) -> str:
        return f"{self._prefix}.server.{server}"

    # -- out ---------------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Send a message to all; see :meth:`.Driver.publish`."""
        return self._send(self._group_of_namespace(message.namespace), message)

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send a message to one server; see :meth:`.Driver.respond`."""
        return self._send(self._group_of_server(server), message)

    def _send(self, group: str, message: Message) -> Awaitable[None]:
        data = self._wire.encode(message)
        if self._closed or self._bytes + len(data) > MAX_WAITING_BYTES:
            raise ConnectionError("too many messages wait for the channel layer")
        fate = Fate(self._inbox.runtime)
        self._bytes += len(data)
        self._waiting.append((group, data, fate))
        if not self._sending:
            self._sending = True
            self._inbox.runtime.start_background(self._send_all())
        return fate

    async def _send_all(self) -> None:
        while self._waiting:
            group, data, fate = self._waiting.popleft()
            self._bytes -= len(data)
            try:
                await self._layer.group_send(group, _message(data))
            except Exception as error:  # noqa: BLE001  # of whichever channel layer
                fate.settle(error)
                self._inbox.refused(error)
                self._lost(error)
            else:
                fate.settle()
        self._sending = False

    # -- in ----------------------------------------------------------------------------------

    async def _read(self, channel: str) -> None:
        try:
            while True:
                self._take(await self._layer.receive(channel))
        except Exception as error:  # noqa: BLE001  # of whichever channel layer
            self._lost(error)

    def _take(self, message: dict[str, Any]) -> None:
        data = message.get("data")
        if isinstance(data, bytes):
            hand_in(self._inbox, self._wire, data)
        else:
            self._inbox.malformed("no bytes in a message of the channel layer", 0)


def _message(data: bytes) -> dict[str, Any]:
    return {"type": "socketio.message", "data": data}


def _layer(alias: str) -> ChannelLayer:
    """The channel layer of that name.

    Raises:
        NotRetryable: There is none, or it cannot be used.
    """
    try:
        from channels.layers import get_channel_layer
    except ImportError as error:
        raise NotRetryable(
            "ChannelLayerAdapter needs Channels: pip install channels channels-redis"
        ) from error
    found: Any = get_channel_layer(alias)
    if found is None:
        raise NotRetryable(f"CHANNEL_LAYERS has no channel layer {alias!r}")
    if "groups" not in getattr(found, "extensions", ()):
        raise NotRetryable(f"the channel layer {alias!r} has no groups, which are needed")
    layer: ChannelLayer = found
    return layer
