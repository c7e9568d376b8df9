"""Everything that reaches the clients of other servers, through the interface of adapters alone."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from socketio_asgi import AckTimeout, BroadcastAckError, ClientDisconnected, Server, Socket
from socketio_asgi.adapters.cluster import Message, asking
from socketio_asgi.adapters.cluster.message import Broadcast, Presence
from socketio_asgi.adapters.cluster.namespace import ClusterNamespace
from tests.adapters.loopback import WIRES, Bus
from tests.support.background import background
from tests.support.peer import DISCONNECT, Peer, open_peer
from tests.support.serving import serve
from tests.support.tcp import TIMEOUT
from tests.support.waiting import until

LONG = 60.0  # seconds; nobody may wait for the end of it
SHORT = 0.3


class Cluster:
    """Two servers with two clients each.

    Attributes:
        bus: what joins the servers.
        servers: the servers.
        clients: the clients: two of the first server, then two of the second.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.servers = [bus.server(), bus.server()]
        self.clients: list[Peer] = []
        for server in self.servers:
            server.on("sync")(_sync)

    async def serve(self, stack: AsyncExitStack) -> None:
        """Serve both, until the stack is closed, and let the clients connect."""
        for server in self.servers:
            served = await stack.enter_async_context(serve(server))
            for _ in range(2):
                self.clients.append(await stack.enter_async_context(open_peer(served.url)))
                await self.clients[-1].join()
        await until(lambda: self.acquainted)

    @property
    def here(self) -> Server:
        return self.servers[0]

    @property
    def there(self) -> Server:
        return self.servers[1]

    def socket(self, number: int) -> Socket:
        """The server's side of a client."""
        sid = self.clients[number].id
        return self.servers[number // 2].sockets.sockets[sid]

    async def heard(self) -> list[int]:
        """How many events each client has got; the bus must have come to rest before."""
        return [len(await client.heard()) for client in self.clients]

    def adapter(self, number: int) -> ClusterNamespace:
        adapter = self.servers[number].sockets.adapter
        assert isinstance(adapter, ClusterNamespace)
        return adapter

    def told(self) -> list[Message]:
        """What the servers have said to each other, beside heartbeats."""
        messages = self.bus.messages()
        return [message for message in messages if not isinstance(message.body, Presence)]

    @property
    def acquainted(self) -> bool:
        """Whether both servers know each other, with all namespaces, and go by that."""
        cores = [self.adapter(number).core for number in range(2)]
        return all(
            core.asking.gathered and len(core.members.of(name)) == 1
            for core, server in zip(cores, reversed(self.servers), strict=True)
            for name in (namespace.name for namespace in server._namespaces.all())
        )


async def _sync(socket: Any) -> None: ...


@pytest.fixture(autouse=True)
def short_introductions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers wait a moment alone for others: each test waits until all have come."""
    monkeypatch.setattr(asking, "GATHER_SECONDS", 0.02)


@pytest.fixture
async def cluster(fast_path: None) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        found = Cluster(Bus())
        await found.serve(stack)
        yield found


async def test_broadcasts(cluster: Cluster) -> None:
    await cluster.here.emit("to all", 1, {"a": ["é"]})
    for client in cluster.clients:
        assert await client.event() == ["to all", 1, {"a": ["é"]}]
    await cluster.socket(0).broadcast.emit("to the others")
    for client in cluster.clients[1:]:
        assert await client.event() == ["to the others"]
    assert await cluster.clients[0].heard() == []


async def test_local_stays_in_one_process(cluster: Cluster) -> None:
    before = len(cluster.told())
    cluster.here.local.emit("here")
    cluster.socket(0).local.emit("here as well")
    cluster.here.local.sockets_join("room")
    cluster.here.local.sockets_leave("room")
    assert len(await cluster.here.local.fetch_sockets()) == 2
    async with background(cluster.here.local.timeout(LONG).emit_with_ack, "ask") as asked:
        assert await cluster.clients[0].event() == ["here"]
        await cluster.clients[0].answer(0)
        for event in ("here", "here as well"):
            assert await cluster.clients[1].event() == [event]
        await cluster.clients[1].answer(1)
        assert sorted(await asked.wait()) == [0, 1]
    cluster.here.local.disconnect_sockets()
    for client in cluster.clients[:2]:
        assert (await client.packet()).type == DISCONNECT
    assert len(cluster.told()) == before
    assert len(cluster.there.sockets.sockets) == 2


async def test_rooms_over_servers(cluster: Cluster) -> None:
    await cluster.socket(1).join("red")
    await cluster.socket(2).join("red", "blue")
    cluster.here.to("red").emit("red")
    cluster.there.to("red", "blue").except_(cluster.clients[1].id).emit("both")
    assert await cluster.clients[1].event() == ["red"]
    assert sorted([await cluster.clients[2].event() for _ in range(2)]) == [["both"], ["red"]]
    assert await cluster.heard() == [0, 0, 0, 0]


async def test_joining_and_leaving(cluster: Cluster) -> None:
    await cluster.here.sockets_join("a", "b")
    await until(lambda: all({"a", "b"} <= cluster.socket(n).rooms for n in range(4)))
    await cluster.there.to(cluster.clients[0].id, cluster.clients[3].id).sockets_leave("a")
    await until(lambda: "a" not in cluster.socket(0).rooms)
    assert ["a" in cluster.socket(n).rooms for n in range(4)] == [False, True, True, False]
    await cluster.here.in_("a").except_(cluster.clients[1].id).sockets_join("c")
    await until(lambda: "c" in cluster.socket(2).rooms)
    assert ["c" in cluster.socket(n).rooms for n in range(4)] == [False, False, True, False]


async def test_the_private_room_of_a_socket(cluster: Cluster) -> None:
    here, there = cluster.clients[0].id, cluster.clients[2].id
    before = len(cluster.told())
    for operator in (cluster.here, cluster.here.to(cluster.clients[1].id)):
        with pytest.raises(ValueError, match=f"{here!r} belongs to another socket alone"):
            operator.sockets_join("red", here)
    assert len(cluster.told()) == before
    await cluster.here.to(here).sockets_join(here)  # its own
    # Another server's sockets are not known here, and nothing raises there.
    await cluster.here.sockets_join(there)
    await until(lambda: there in cluster.socket(3).rooms)
    assert cluster.adapter(1).core.counters.total() == 0


@pytest.mark.parametrize("close", [False, True])
async def test_disconnecting(cluster: Cluster, close: bool) -> None:
    await cluster.socket(1).join("red")
    await cluster.socket(3).join("red")
    await cluster.there.to("red").disconnect_sockets(close)
    for number in 1, 3:
        assert (await cluster.clients[number].packet()).type == DISCONNECT
    if close:
        await until(lambda: cluster.here.engine.clients_count == 1)
    await until(lambda: [len(s.sockets.sockets) for s in cluster.servers] == [1, 1])


async def test_fetching(cluster: Cluster) -> None:
    cluster.socket(2).data["name"] = "é"
    await cluster.socket(2).join("red")
    found = {remote.id: remote for remote in await cluster.here.fetch_sockets()}
    assert sorted(found) == sorted(client.id for client in cluster.clients)
    (remote,) = await cluster.here.in_("red").fetch_sockets()
    assert (remote.id, remote.data) == (cluster.clients[2].id, {"name": "é"})
    assert remote.rooms == {remote.id, "red"}
    theirs, ours = cluster.socket(2).handshake, remote.handshake
    for name in ("headers", "query", "url", "address", "secure", "xdomain"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.issued == pytest.approx(theirs.issued, abs=0.001)
    excluded = cluster.here.except_("red", cluster.clients[0].id)
    ids = [remote.id for remote in await excluded.fetch_sockets()]
    assert sorted(ids) == sorted(cluster.clients[number].id for number in (1, 3))


async def test_a_remote_socket(cluster: Cluster) -> None:
    client = cluster.clients[2]
    (remote,) = await cluster.here.to(client.id).fetch_sockets()
    await remote.emit("hello", 1)
    assert await client.event() == ["hello", 1]
    async with background(remote.emit_with_ack, "ask") as asked:
        await client.answer("there")
        assert await asked.wait() == "there"
    with pytest.raises(AckTimeout):
        await remote.emit_with_ack("ask", timeout=SHORT)
    await client.packet()
    await remote.join("red", "blue")
    await until(lambda: cluster.socket(2).rooms == {client.id, "red", "blue"})
    await remote.leave("red")
    await until(lambda: cluster.socket(2).rooms == {client.id, "blue"})
    await remote.disconnect()
    assert (await client.packet()).type == DISCONNECT
    with anyio.fail_after(TIMEOUT), pytest.raises(ClientDisconnected):
        await remote.emit_with_ack("ask", timeout=LONG)


async def test_answers_from_all_servers(cluster: Cluster) -> None:
    async with background(cluster.here.timeout(LONG).emit_with_ack, "ask", 1) as asked:
        for number, client in enumerate(cluster.clients):
            assert await client.answer(number) == ["ask", 1]
        assert sorted(await asked.wait()) == [0, 1, 2, 3]
    assert_nothing_waits(cluster)


@pytest.mark.parametrize("wire", WIRES)
async def test_all_values_of_answers_from_all_servers(fast_path: None, wire: str) -> None:
    answers: list[list[Any]] = [[], [None], [1, "two", [3]], [None, {"a": 1}]]
    async with AsyncExitStack() as stack:
        cluster = Cluster(Bus(WIRES[wire]()))
        await cluster.serve(stack)
        async with background(cluster.here.timeout(LONG).emit_with_ack_values, "ask") as asked:
            for values, client in zip(answers, cluster.clients, strict=True):
                await client.answer(*values)
            assert sorted(await asked.wait(), key=repr) == sorted(answers, key=repr)
        (remote,) = await cluster.here.to(cluster.clients[2].id).fetch_sockets()
        for values in answers:
            async with background(remote.emit_with_ack_values, "ask") as asked:
                await cluster.clients[2].answer(*values)
                assert await asked.wait() == values
        async with background(cluster.here.timeout(LONG).emit_with_ack, "ask") as asked:
            for values, client in zip(answers, cluster.clients, strict=True):
                await client.answer(*values)
            assert sorted(await asked.wait(), key=repr) == [1, None, None, None]
        assert_nothing_waits(cluster)


async def test_a_dynamic_namespace_leaves_its_cluster_and_comes_back(fast_path: None) -> None:
    async with AsyncExitStack() as stack:
        cluster = Cluster(Bus())
        parents = [server.of(re.compile(r"/room-\d")) for server in cluster.servers]
        await cluster.serve(stack)
        drivers = list(cluster.bus.drivers)
        for _ in range(3):
            for client in cluster.clients[1:3]:  # one of each server
                await client.join("/room-1")
            await until(lambda: all("/room-1" in driver.namespaces for driver in drivers))
            await until(lambda: cluster.acquainted)
            await cluster.here.of("/room-1").emit("hello", 1)
            for client in cluster.clients[1:3]:
                assert await client.text() == '2/room-1,["hello",1]'
            assert len(await cluster.there.of("/room-1").fetch_sockets()) == 2
            for client in cluster.clients[1:3]:
                await client.send("1/room-1,")
            await until(lambda: not any(parent.children for parent in parents))
            await until(lambda: all(driver.namespaces == {"/"} for driver in drivers))
        assert all(len(cluster.adapter(number).core.namespaces) == 1 for number in range(2))


async def test_partial_answers(cluster: Cluster) -> None:
    async with background(cluster.here.timeout(1).emit_with_ack, "ask") as asked:
        await cluster.clients[0].answer("here")
        await cluster.clients[3].answer("there")
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    error = caught.value
    assert sorted(error.replies) == ["here", "there"]
    assert (error.missing, error.left, error.silent_servers) == (2, 0, 0)
    await until(lambda: not cluster.socket(2).__socketio__.acks_awaited)
    assert_nothing_waits(cluster)


async def test_a_client_of_another_server_leaves(cluster: Cluster) -> None:
    operator = cluster.here.except_(cluster.clients[0].id).timeout(LONG)
    async with background(operator.emit_with_ack, "ask") as asked:
        await cluster.clients[1].answer(1)
        await cluster.clients[2].answer(2)
        await cluster.clients[3].packet()
        await cluster.clients[3].close()
        with anyio.fail_after(TIMEOUT), pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    assert sorted(caught.value.replies) == [1, 2]
    assert (caught.value.missing, caught.value.left) == (1, 1)


async def test_a_server_that_hangs(cluster: Cluster) -> None:
    silent = cluster.adapter(1).core.server_id
    cluster.bus.muted.add(silent)
    async with background(cluster.here.timeout(1).emit_with_ack, "ask") as asked:
        await cluster.clients[0].answer(0)
        await cluster.clients[1].answer(1)
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    assert sorted(caught.value.replies) == [0, 1]
    assert (caught.value.missing, caught.value.silent_servers) == (0, 1)
    assert caught.value.silent_server_ids == (silent,)
    assert "1 servers did not answer" in str(caught.value)


async def test_volatile_with_other_servers(cluster: Cluster) -> None:
    cluster.here.volatile.emit("now")
    for client in cluster.clients:
        assert await client.event() == ["now"]
    body = cluster.told()[-1].body
    assert isinstance(body, Broadcast)
    assert body.target.volatile


async def test_namespaces_do_not_mix(cluster: Cluster) -> None:
    cluster.here.of("/chat").emit("not for the main one")
    cluster.here.emit("for the main one")
    for client in cluster.clients:
        assert await client.event() == ["for the main one"]


def assert_nothing_waits(cluster: Cluster) -> None:
    assert [len(cluster.adapter(number).core.requests) for number in range(2)] == [0, 0]
    for server in cluster.servers:
        assert [s for s in server.sockets.sockets.values() if s.__socketio__.acks_awaited] == []


# -- events between servers ------------------------------------------------------------------------


async def test_server_events(cluster: Cluster) -> None:
    heard: list[Any] = []

    @cluster.there.on_server_event("hello")
    async def hello(*args: Any) -> None:
        heard.append(args)

    @cluster.here.on_server_event("hello")
    async def not_for_me(*args: Any) -> None:
        raise AssertionError("the sender gets nothing")

    await cluster.here.server_side_emit("hello", 1, {"a": "é"})
    await until(lambda: heard == [(1, {"a": "é"})])
    for client in cluster.clients:
        assert await client.heard() == []


async def test_server_event_names(cluster: Cluster) -> None:
    @cluster.there.on_server_event("hello")
    async def hello() -> None: ...

    with pytest.raises(ValueError, match="has a handler already"):
        cluster.there.on_server_event("hello")(hello)
    for name in ("connect", "disconnect"):
        with pytest.raises(ValueError, match="reserved"):
            cluster.here.server_side_emit(name)
        with pytest.raises(ValueError, match="reserved"):
            await cluster.here.server_side_emit_with_ack(name)


async def test_clients_do_not_reach_server_events(cluster: Cluster) -> None:
    @cluster.there.on_server_event("secret")
    async def secret() -> None:
        raise AssertionError("no client may call this")

    await cluster.clients[2].emit("secret")
    await cluster.clients[2].ask("sync")


async def test_replies_of_servers(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    @cluster.there.on_server_event("add")
    def add(one: int, two: int) -> int:  # in a thread
        return one + two

    @cluster.there.on_server_event("later")
    async def later(value: Any, *, ack: Any) -> None:
        await ack([value])

    @cluster.there.on_server_event("nothing")
    async def nothing() -> None: ...

    @cluster.there.on_server_event("wrong")
    async def wrong() -> None:
        raise RuntimeError("a mistake")

    ask = cluster.here.server_side_emit_with_ack
    assert await ask("add", 1, 2) == [3]
    assert await ask("add", 1, 2, "surplus") == [3]
    assert await ask("later", "é") == [["é"]]
    assert await ask("nothing") == [None]
    with caplog.at_level(logging.CRITICAL, "socketio_asgi"):
        for name, args in (("unknown", ()), ("wrong", ()), ("add", (1,))):
            with pytest.raises(BroadcastAckError) as caught:
                await ask(name, *args, timeout=SHORT)
            assert (caught.value.replies, caught.value.silent_servers) == ([], 1)
    assert len(cluster.adapter(0).core.requests) == 0


async def test_server_events_of_a_namespace(cluster: Cluster) -> None:
    here, there = (server.of("/chat") for server in cluster.servers)

    heard: list[str] = []

    @there.on_server_event("who")
    async def who() -> str:
        return "chat"

    @there.on_server_event("hello")
    async def hello(text: str) -> None:
        heard.append(text)

    await until(lambda: cluster.acquainted)
    assert await here.server_side_emit_with_ack("who") == ["chat"]
    await here.server_side_emit("hello", "é")
    await until(lambda: heard == ["é"])


async def test_a_server_alone(io: Server, url: str) -> None:
    @io.on_server_event("hello")
    async def hello() -> None:
        raise AssertionError("there is no other server")

    await io.server_side_emit("hello")
    assert await io.server_side_emit_with_ack("hello", timeout=LONG) == []


async def test_ack_when_nobody_asked(cluster: Cluster) -> None:
    done = anyio.Event()

    @cluster.there.on_server_event("later")
    async def later(*, ack: Any) -> None:
        await ack("nobody waits for it")
        done.set()

    await cluster.here.server_side_emit("later")
    with anyio.fail_after(TIMEOUT):
        await done.wait()
