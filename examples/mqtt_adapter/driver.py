"""The driver: it moves messages between the servers of a cluster, over MQTT."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from socketio_asgi.adapters import ClusterUnavailable, NotRetryable
from socketio_asgi.adapters.cluster import (
    Driver,
    Fate,
    Inbox,
    Message,
    PythonWire,
    Traits,
    hand_in,
)

QOS = 1
"""The broker says that it has a message; to a subscriber that is connected it comes once."""

MAX_WAITING = 10_000
"""The most messages that wait for the broker's answer; further ones are refused."""

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""The most bytes of them."""

ANSWER_SECONDS = 2.0
"""The time that the broker has for each answer, in seconds."""

NEVER = {"Bad user name or password", "Not authorized", "Banned"}
"""The reasons for which it makes no sense to connect again."""


class MqttDriver(Driver):
    """One connection of one server."""

    def __init__(
        self, host: str, port: int, prefix: str, username: str | None, password: str | None
    ) -> None:
        self.traits = Traits(echo=False)
        self._address = (host, port)
        self._prefix = prefix
        self._login = (username, password)
        self._wire = PythonWire()
        self._client: aiomqtt.Client | None = None
        self._connecting: asyncio.Future[aiomqtt.Client] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._waiting_bytes = 0

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect."""
        if inbox.runtime.asyncio_loop is None:
            raise NotRetryable("MqttAdapter needs asyncio: its library aiomqtt knows no trio")
        self._inbox = inbox
        host, port = self._address
        username, password = self._login
        client = aiomqtt.Client(
            host,
            port,
            username=username,
            password=password,
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=ANSWER_SECONDS,
        )
        client.pending_calls_threshold = MAX_WAITING  # it would log each further message
        self._connecting = asyncio.ensure_future(client.__aenter__())
        try:
            # A thread of the library connects, and goes on when this is cancelled.
            self._client = client = await asyncio.shield(self._connecting)
        except aiomqtt.MqttCodeError as error:
            if str(error.rc) in NEVER:
                raise NotRetryable(f"the broker refuses the login: {error}") from error
            raise
        self._reader = asyncio.create_task(self._read(client))
        return True  # what came meanwhile, the broker has not kept

    async def close(self) -> None:
        """Let the broker have what was sent, and disconnect."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=1)
        if self._reader is not None:
            self._reader.cancel()
        if self._connecting is not None:
            with suppress(aiomqtt.MqttError):
                client = await self._connecting
                await client.__aexit__(None, None, None)

    async def _read(self, client: aiomqtt.Client) -> None:
        try:
            async for message in client.messages:
                hand_in(self._inbox, self._wire, message.payload)
        except aiomqtt.MqttError as error:
            self._inbox.lost(error)

    # -- namespaces --------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Subscribe to what concerns all servers with a namespace, and this one alone."""
        options = SubscribeOptions(qos=QOS, noLocal=True)  # by which `echo` is False
        topics = [(topic, options) for topic in self._topics(name)]
        for code in await self._connected.subscribe(topics):
            if isinstance(code, ReasonCode) and code.is_failure:
                raise NotRetryable(f"the broker refuses a subscription to {topics[0][0]}: {code}")

    async def close_namespace(self, name: str) -> None:
        """End these subscriptions."""
        await self._connected.unsubscribe(self._topics(name))

    def _topics(self, namespace: str) -> list[str]:
        return [self._topic(namespace, "all"), self._topic(namespace, self._inbox.server_id)]

    def _topic(self, namespace: str, servers: str) -> str:
        # In hexadecimal digits, for it may hold wildcards.
        return f"{self._prefix}/{namespace.encode(errors='surrogatepass').hex()}/{servers}"

    @property
    def _connected(self) -> aiomqtt.Client:
        assert self._client is not None, "the driver has not started"
        return self._client

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[None]:
        """Send a message to all servers that have its namespace."""
        return self._send(self._topic(message.namespace, "all"), message)

    def respond(self, server: str, message: Message) -> Awaitable[None]:
        """Send a message to one server."""
        return self._send(self._topic(message.namespace, server), message)

    def _send(self, topic: str, message: Message) -> Awaitable[None]:
        data = self._wire.encode(message)
        full = self._waiting_bytes + len(data) > MAX_WAITING_BYTES
        if full or len(self._sending) >= MAX_WAITING:
            raise ClusterUnavailable("too many messages wait for the broker")
        self._waiting_bytes += len(data)
        fate = Fate(self._inbox.runtime)
        # Tasks begin in the order in which they are made, and so messages go out in that order.
        task = asyncio.create_task(self._publish(topic, data, fate))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return fate

    async def _publish(self, topic: str, data: bytes, fate: Fate) -> None:
        try:
            await self._connected.publish(topic, data, qos=QOS)
        except aiomqtt.MqttError as error:
            fate.settle(error)
            self._inbox.refused(error)
        else:
            fate.settle()
        finally:
            self._waiting_bytes -= len(data)
