"""Events of one server to the clients of all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio.lowlevel
import pytest

from ... import Server
from ...protocol import EncodeError
from .client import Client
from .cluster import Cluster
from .suite import Suite
from .waiting import until

HELLO: list[Any] = ["hello", 1, "zwei", {"drei": [3.5, None, True]}]

VALUES: dict[str, tuple[Any, Any]] = {
    "nan": ([float("nan"), float("inf"), float("-inf")], [None, None, None]),
    "large-integer": (2**53 - 1, 2**53 - 1),
    "negative-integers": ([-1, -129, -70_000, -(2**31) - 1], [-1, -129, -70_000, -(2**31) - 1]),
    "float": ([0.1, 1.5e-300, -0.5], [0.1, 1.5e-300, -0.5]),
    "large-floats": ([1e300, -1e22, 2.0**53], [1e300, -1e22, 2.0**53]),
    "emoji": ("😀é\u2028\x00", "😀é\u2028\x00"),
    "odd-keys": ({"": 1, "é": 2, "__proto": 3, "1": 4}, {"": 1, "é": 2, "__proto": 3, "1": 4}),
    "deep": ([[[[[[[[[["x"]]]]]]]]]], [[[[[[[[[["x"]]]]]]]]]]),
    "empty": ([[], {}, "", None], [[], {}, "", None]),
    "quoted": (['"', "\\", "'", "$1", "%s", "{}"], ['"', "\\", "'", "$1", "%s", "{}"]),
}
"""By name: what is sent, and what clients hear."""

EVENTS = 300

MANY_BYTES = 10 * 1024 * 1024
"""Bytes of an event that are many, where the broker takes as many."""


class Events(Suite):
    """Events of one server to the clients of all."""

    async def test_an_event_reaches_all_clients(self, cluster: Cluster) -> None:
        """An event without a room comes to every client, once."""
        await cluster.here.io.emit(*HELLO)
        await cluster.expect(*[[HELLO]] * 4)

    async def test_events_come_in_order(self, cluster: Cluster) -> None:
        """Events of one server come in the order of the calls."""
        for number in range(EVENTS):
            cluster.here.io.emit("count", number)
        await cluster.expect(*[[["count", number] for number in range(EVENTS)]] * 4)

    async def test_events_come_in_order_whatever_they_are_for(self, cluster: Cluster) -> None:
        """Also when some are for a room, or for one client."""
        client, io = cluster.clients[2], cluster.here.io
        await client.join("chess")
        for number in range(0, EVENTS, 3):
            io.to("chess").emit("count", number)
            io.emit("count", number + 1)
            io.to(client.id).emit("count", number + 2)
            if number % 60 == 0:
                await anyio.lowlevel.checkpoint()
        events = [["count", number] for number in range(EVENTS)]
        to_all = events[1::3]
        await cluster.expect(to_all, to_all, events, to_all)

    async def test_events_of_all_sizes_come_in_order(self, cluster: Cluster) -> None:
        """Short and long ones, with and without bytes."""
        events: list[list[Any]] = []
        for length in (10, 9000, 20, 7900, 30, 100_000, 40):
            size = min(length, (cluster.here.traits.max_payload or MANY_BYTES) // 3)
            events += [["text", "é" * size], ["bytes", b"\x00\xff" * size]]
        for event in events:
            cluster.here.io.emit(*event)
        await cluster.expect(*[events] * 4)

    async def test_equal_events_come_as_often_as_they_were_sent(self, cluster: Cluster) -> None:
        """No broker, and no driver, takes the second for the first."""
        for _ in range(20):
            cluster.here.io.emit("same")
        await cluster.expect(*[[["same"]] * 20] * 4)

    async def test_what_a_client_tells_the_others(self, cluster: Cluster) -> None:
        """A broadcast of a socket leaves out that socket alone."""
        await cluster.clients[2].join("chess")
        cluster.clients[0].emit("tell others", *HELLO)
        await until(lambda: HELLO in cluster.clients[1].heard, "nothing came")
        cluster.clients[0].emit("tell room", "chess", "move", "e4")
        await cluster.expect([], [HELLO], [HELLO, ["move", "e4"]], [HELLO])

    async def test_bytes(self, cluster: Cluster) -> None:
        """Binary data come as they were, however deep they are."""
        event: list[Any] = ["data", b"\x00\xff", {"deep": [b"", {"er": b"x" * 1000}]}, "text"]
        await cluster.here.io.emit(*event)
        await cluster.expect(*[[event]] * 4)

    async def test_a_large_event(self, cluster: Cluster) -> None:
        """Some hundred kilobytes are nothing special, up to what the broker takes."""
        size = min((cluster.here.traits.max_payload or MANY_BYTES) // 3, 100_000)
        event: list[Any] = ["large", "é" * (size // 2), b"\x01" * size]
        await cluster.here.io.emit(*event)
        await cluster.expect(*[[event]] * 4)

    async def test_an_event_that_is_too_large(self, cluster: Cluster) -> None:
        """An event above ``traits.max_payload`` is refused where it is sent, and nothing else."""
        limit = cluster.here.traits.max_payload
        if limit is not None:
            with pytest.raises(EncodeError, match="the broker takes"):
                await cluster.here.io.emit("large", "x" * limit)
        await cluster.here.io.emit("next")
        await cluster.expect(*[[["next"]]] * 4)

    async def test_an_event_as_large_as_possible(self, cluster: Cluster) -> None:
        """An event of exactly ``traits.max_payload`` comes to all."""
        limit = min(cluster.here.traits.max_payload or MANY_BYTES, MANY_BYTES)
        text = "x" * (limit - len('42["large",""]'))
        await cluster.here.io.emit("large", text)
        await cluster.expect(*[[["large", text]]] * 4)

    async def test_values(self, cluster: Cluster) -> None:
        """Values of all kinds come as JSON has them."""
        for name, (value, _) in VALUES.items():
            await cluster.here.io.emit(name, value)
        await cluster.expect(*[[[name, heard] for name, (_, heard) in VALUES.items()]] * 4)

    async def test_dates(self, cluster: Cluster) -> None:
        """Dates come as text."""
        dates = [datetime(year, 1, 2, 3, 4, 5, 678000, UTC) for year in (1960, 2026, 2600)]
        await cluster.here.io.emit("dates", {"at": dates})
        for ((_, value),) in await cluster.heard(*cluster.clients, least=[1] * 4):
            assert [datetime.fromisoformat(text) for text in value["at"]] == dates

    async def test_half_a_character(self, cluster: Cluster) -> None:
        """Text that has no form in UTF-8 disturbs nothing."""
        await cluster.here.io.emit("value", "a\ud83d")
        await cluster.here.io.emit("next")
        for events in await cluster.heard(*cluster.clients, least=[2] * 4):
            (_, text), following = sorted(events, key=len, reverse=True)
            assert text[0] == "a"  # the rest has no form in MessagePack, and some wires carry that
            assert following == ["next"]

    async def test_a_volatile_event(self, cluster: Cluster) -> None:
        """A volatile event comes to clients that are ready for it."""
        if not self.ordered:
            pytest.skip("what comes before it may be on its way to a client, which is not ready")
        await cluster.here.io.volatile.emit(*HELLO)
        await cluster.expect(*[[HELLO]] * 4)

    async def test_a_local_event(self, cluster: Cluster) -> None:
        """A local event does not leave its server."""
        await cluster.here.io.local.emit(*HELLO)
        await cluster.expect([HELLO], [HELLO], [], [])

    async def test_an_event_of_a_server_without_clients(self, cluster: Cluster) -> None:
        """A server without clients reaches those of others."""
        third = await cluster.start()
        await third.io.emit(*HELLO)
        await cluster.expect(*[[HELLO]] * 4, sender=third)

    async def test_an_event_before_any_client(self, cluster: Cluster) -> None:
        """A process that serves nothing, such as a script, emits as well."""
        if cluster.here.core.runtime.asyncio_loop is None:
            pytest.skip("on trio a server needs its lifespan")
        io = Server(adapter=await cluster.broker.adapter(cluster.key))
        await io.emit("early")
        try:
            await cluster.expect(*[[["early"]]] * 4)
        finally:
            await io.close()

    async def test_events_of_several_servers(self, cluster: Cluster) -> None:
        """Each of four servers reaches the clients of all."""
        more = [await cluster.start() for _ in range(2)]
        await cluster.acquainted()
        cluster.clients += [await cluster.connect(server) for server in more]
        for number, server in enumerate(cluster.servers):
            await server.io.emit("news", number)
            await cluster.expect(*[[["news", number]]] * 6, sender=server)

    async def test_clusters_of_two_names_do_not_mix(self, cluster: Cluster) -> None:
        """Servers of another key hear nothing."""
        async with Cluster(cluster.broker, ordered=self.ordered) as other:
            await cluster.here.io.emit("one")
            await other.here.io.emit("other")
            await cluster.expect(*[[["one"]]] * 4)
            await other.expect(*[[["other"]]] * 4)
            assert len(await cluster.here.io.fetch_sockets()) == 4


class Namespaces(Suite):
    """Namespaces on several servers, also those that come later."""

    async def test_namespaces_are_apart(self, cluster: Cluster) -> None:
        """An event of a namespace comes to its clients alone."""
        chatting = [
            await cluster.connect(server, "/chat") for server in (cluster.here, cluster.there)
        ]
        await cluster.acquainted("/chat")
        await cluster.here.io.of("/chat").emit(*HELLO)
        await cluster.here.io.emit("main")
        await cluster.expect([HELLO], [HELLO], clients=chatting, namespace="/chat")
        await cluster.expect(*[[["main"]]] * 4)

    async def test_dynamic_namespaces(self, cluster: Cluster) -> None:
        """A namespace that clients bring to life."""
        servers = (cluster.here, cluster.there)
        clients = [await cluster.connect(server, "/room-blue") for server in servers]
        await cluster.acquainted("/room-blue")
        await cluster.here.io.of("/room-blue").emit(*HELLO)
        await cluster.expect([HELLO], [HELLO], clients=clients, namespace="/room-blue")
        await cluster.expect([], [], [], [])

    async def test_a_namespace_that_is_made_later(self, cluster: Cluster) -> None:
        """A namespace that comes when the server is connected already."""
        servers = (cluster.here, cluster.there)
        for server in servers:
            server.handle(server.io.of("/late"))
        await cluster.acquainted("/late")
        clients = [await cluster.connect(server, "/late") for server in servers]
        await clients[1].join("chess")
        late = cluster.here.io.of("/late")
        await late.emit(*HELLO)
        await late.to("chess").emit("move")
        await cluster.expect([HELLO], [HELLO, ["move"]], clients=clients, namespace="/late")
        assert len(await late.fetch_sockets()) == 2

    async def test_namespaces_with_odd_names(self, cluster: Cluster) -> None:
        """Names with characters that mean something to brokers, and to their patterns."""
        names = ["/a", "/a#b", "/[x]*?", "/é", "/a/b", "/a.b", "/a.>", "/#", "/+", "/$x", "/\"'"]
        names.append("/" + "long" * 50)
        for server in (cluster.here, cluster.there):
            for name in names:
                server.handle(server.io.of(name))
        clients: list[Client] = []
        for name in names:
            await cluster.acquainted(name)
            clients.append(await cluster.connect(cluster.there, name))
        for name, client in zip(names, clients, strict=True):
            await cluster.here.io.of(name).emit("hello", name)
            await cluster.here.io.of(name).to("b", client.id).emit("room", name)
        for name, client in zip(names, clients, strict=True):
            expected = [["hello", name], ["room", name]]
            await cluster.expect(expected, clients=[client], namespace=name)
