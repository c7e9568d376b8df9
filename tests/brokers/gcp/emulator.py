"""A small Pub/Sub for tests: ``python -m tests.brokers.gcp.emulator PORT [--disorder SEED]``.

It speaks the protocol of Google Cloud Pub/Sub, with topics and subscriptions in memory: ordering
keys, acknowledgements, deadlines and the filter of our adapter. With ``--disorder`` it does what
the real one may do: messages come twice, and those without an ordering key in another order.

Google's own emulator is a part of its command-line tools and needs Java; see docs/cluster for what
was tested against which.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from google.pubsub_v1 import types

HOST = "127.0.0.1"
WINDOW = 5  # messages that change places with one another
TWICE = 0.3  # the share of messages that come twice
SWEEP_SECONDS = 0.05
BATCH = 100  # messages of one response

_FILTER = re.compile(r'NOT attributes:(\w+) OR attributes\.(\w+) = "(\w+)"')

Context = Any  # grpc.aio.ServicerContext, which is generic in its stubs alone
Message = Any  # google.pubsub.v1.PubsubMessage, without its wrapper


@dataclass
class Outstanding:
    """A message that was sent and not acknowledged, and the time of its next delivery."""

    message: Message
    deadline: float


@dataclass
class Subscription:
    """A subscription: what waits, and what is not acknowledged."""

    described: Any
    waiting: list[Message] = field(default_factory=list)
    outstanding: dict[str, Outstanding] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    deleted: bool = False

    def wants(self, message: Message) -> bool:
        found = _FILTER.fullmatch(self.described.filter)
        if found is None:
            return True
        absent, present, value = found.groups()
        return absent not in message.attributes or message.attributes[present] == value

    def add(self, messages: list[Message]) -> None:
        self.waiting += messages
        self.changed.set()

    def take(self, numbers: itertools.count[int], now: float) -> list[Any]:
        """The next messages, which are outstanding from now on."""
        taken, self.waiting = self.waiting[:BATCH], self.waiting[BATCH:]
        received: list[Any] = []
        for message in taken:
            ack_id = f"ack-{next(numbers)}"
            deadline = now + (self.described.ack_deadline_seconds or 10)
            self.outstanding[ack_id] = Outstanding(message, deadline)
            received.append({"ack_id": ack_id, "message": message})
        return received

    def sweep(self, now: float) -> None:
        """Send again what was not acknowledged in time."""
        late = [ack_id for ack_id, item in self.outstanding.items() if item.deadline < now]
        if late:
            self.add([self.outstanding.pop(ack_id).message for ack_id in late])

    def give_back(self, ack_ids: list[str]) -> None:
        """Send again what a stream that has ended was sent."""
        found = [self.outstanding.pop(ack_id, None) for ack_id in ack_ids]
        self.waiting[:0] = [item.message for item in found if item is not None]
        self.changed.set()


class Disorder:
    """What at-least-once delivery without order may do to messages; it does nothing by default."""

    def __init__(self, seed: int | None) -> None:
        self._random = None if seed is None else random.Random(seed)
        self._held: dict[str, list[Message]] = defaultdict(list)

    def of(self, name: str, messages: list[Message]) -> list[Message]:
        """Messages for a subscription, as they are delivered."""
        if self._random is None:
            return messages
        delivered: list[Message] = []
        for message in messages:
            copies = 2 if self._random.random() < TWICE else 1
            if message.ordering_key:
                delivered += [message] * copies
            else:
                self._held[name] += [message] * copies
        if len(self._held[name]) >= WINDOW:
            delivered += self.flush(name)
        return delivered

    def flush(self, name: str) -> list[Message]:
        """Those that were held back."""
        held = self._held.pop(name, [])
        if self._random is not None:
            self._random.shuffle(held)
        return held


class Emulator:
    """The topics and subscriptions of all projects."""

    def __init__(self, seed: int | None) -> None:
        self._topics: dict[str, Any] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._numbers = itertools.count(1)
        self._disorder = Disorder(seed)

    # -- topics ------------------------------------------------------------------------------

    async def create_topic(self, request: Any, context: Context) -> Any:
        if request.name in self._topics:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "the topic exists")
        self._topics[request.name] = request
        return request

    async def get_topic(self, request: Any, context: Context) -> Any:
        return await self._found(self._topics, request.topic, context)

    async def delete_topic(self, request: Any, context: Context) -> Any:
        await self._found(self._topics, request.topic, context)
        del self._topics[request.topic]
        for subscription in self._of(request.topic):
            subscription.described.topic = "_deleted-topic_"
        return empty_pb2.Empty()

    async def list_topic_subscriptions(self, request: Any, context: Context) -> Any:
        names = [item.described.name for item in self._of(request.topic)]
        return types.ListTopicSubscriptionsResponse(subscriptions=names)

    async def publish(self, request: Any, context: Context) -> Any:
        await self._found(self._topics, request.topic, context)
        messages = list(types.PublishRequest.pb(request).messages)
        for message in messages:
            message.message_id = str(next(self._numbers))
            message.publish_time.GetCurrentTime()
        for subscription in self._of(request.topic):
            wanted = [message for message in messages if subscription.wants(message)]
            subscription.add(self._disorder.of(subscription.described.name, wanted))
        ids = [message.message_id for message in messages]
        return types.PublishResponse(message_ids=ids)

    def _of(self, topic: str) -> list[Subscription]:
        found = self._subscriptions.values()
        return [subscription for subscription in found if subscription.described.topic == topic]

    async def _found(self, known: dict[str, Any], name: str, context: Context) -> Any:
        if name not in known:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no {name}")
        return known[name]

    # -- subscriptions -----------------------------------------------------------------------

    async def create_subscription(self, request: Any, context: Context) -> Any:
        await self._found(self._topics, request.topic, context)
        if request.name in self._subscriptions:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "the subscription exists")
        self._subscriptions[request.name] = Subscription(request)
        return request

    async def get_subscription(self, request: Any, context: Context) -> Any:
        found = await self._found(self._subscriptions, request.subscription, context)
        return found.described

    async def delete_subscription(self, request: Any, context: Context) -> Any:
        found = await self._found(self._subscriptions, request.subscription, context)
        del self._subscriptions[request.subscription]
        found.deleted = True
        found.changed.set()
        return empty_pb2.Empty()

    async def acknowledge(self, request: Any, context: Context) -> Any:
        found = await self._found(self._subscriptions, request.subscription, context)
        for ack_id in request.ack_ids:
            found.outstanding.pop(ack_id, None)
        return empty_pb2.Empty()

    async def modify_ack_deadline(self, request: Any, context: Context) -> Any:
        found = await self._found(self._subscriptions, request.subscription, context)
        for ack_id in request.ack_ids:
            if ack_id in found.outstanding:
                deadline = self._now() + request.ack_deadline_seconds
                found.outstanding[ack_id].deadline = deadline
        return empty_pb2.Empty()

    async def streaming_pull(
        self, requests: AsyncIterator[Any], context: Context
    ) -> AsyncIterator[Any]:
        first = await anext(requests)
        found = await self._found(self._subscriptions, first.subscription, context)
        listener = asyncio.create_task(self._listen(found, requests))
        sent: list[str] = []
        try:
            while not found.deleted:
                if not found.waiting:
                    found.changed.clear()
                    await found.changed.wait()
                    continue
                received = found.take(self._numbers, self._now())
                sent += [item["ack_id"] for item in received]
                yield types.StreamingPullResponse(received_messages=received)
        finally:
            listener.cancel()
            found.give_back(sent)
        await context.abort(grpc.StatusCode.NOT_FOUND, "the subscription is deleted")

    async def _listen(self, found: Subscription, requests: AsyncIterator[Any]) -> None:
        async for request in requests:
            for ack_id in request.ack_ids:
                found.outstanding.pop(ack_id, None)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sweep(self) -> None:
        """Now and then, send again what is late, and what was held back."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for name, subscription in self._subscriptions.items():
                subscription.sweep(self._now())
                held = self._disorder.flush(name)
                if held:
                    subscription.add(held)

    # -- the protocol ------------------------------------------------------------------------

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What answers the calls of both services."""
        publisher = {
            "CreateTopic": _unary(self.create_topic, types.Topic),
            "GetTopic": _unary(self.get_topic, types.GetTopicRequest),
            "DeleteTopic": _unary(self.delete_topic, types.DeleteTopicRequest),
            "ListTopicSubscriptions": _unary(
                self.list_topic_subscriptions, types.ListTopicSubscriptionsRequest
            ),
            "Publish": _unary(self.publish, types.PublishRequest),
        }
        subscriber = {
            "CreateSubscription": _unary(self.create_subscription, types.Subscription),
            "GetSubscription": _unary(self.get_subscription, types.GetSubscriptionRequest),
            "DeleteSubscription": _unary(self.delete_subscription, types.DeleteSubscriptionRequest),
            "Acknowledge": _unary(self.acknowledge, types.AcknowledgeRequest),
            "ModifyAckDeadline": _unary(self.modify_ack_deadline, types.ModifyAckDeadlineRequest),
            "StreamingPull": grpc.stream_stream_rpc_method_handler(
                self.streaming_pull,
                request_deserializer=types.StreamingPullRequest.deserialize,
                response_serializer=types.StreamingPullResponse.serialize,
            ),
        }
        return [
            grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", publisher),
            grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", subscriber),
        ]


def _unary(
    answer: Callable[[Any, Context], Awaitable[Any]], request: Any
) -> grpc.RpcMethodHandler[Any, Any]:
    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=request.deserialize,
        response_serializer=_serialize,
    )


def _serialize(response: Any) -> bytes:
    plain = response if isinstance(response, empty_pb2.Empty) else type(response).pb(response)
    data: bytes = plain.SerializeToString()
    return data


async def serve(port: int, seed: int | None) -> None:
    """Answer on a port of loopback until the process ends."""
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.aio.server(options=limits)
    emulator = Emulator(seed)
    server.add_generic_rpc_handlers(emulator.handlers())
    server.add_insecure_port(f"{HOST}:{port}")
    await server.start()
    await emulator.sweep()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--disorder", type=int, metavar="SEED")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.disorder))
