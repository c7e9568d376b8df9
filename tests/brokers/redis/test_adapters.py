"""Adapters over every kind of deployment: what two servers of ours do together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import sentinel as redis_sentinel

from socketio_asgi import BroadcastAckError, ConnectionStateRecovery, Server
from socketio_asgi.adapters import NotRetryable, RedisAdapter, RedisShardedAdapter
from socketio_asgi.adapters.redis import sharded
from socketio_asgi.protocol import EncodeError
from tests.support.background import background
from tests.support.certificates import make_certificate
from tests.support.peer import open_peer
from tests.support.ports import HOST
from tests.support.serving import serve
from tests.support.waiting import until

from .pair import ADAPTERS, MakeAdapter, Pair, pair
from .servers import RedisProcess, redis_cluster

only_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])
each_adapter = pytest.mark.parametrize("make", ADAPTERS.values(), ids=ADAPTERS)
Sentinel: Any = redis_sentinel.Sentinel  # its constructor has no types
certificate = pytest.fixture(scope="module")(make_certificate)


async def exercise(both: Pair) -> None:
    """Everything that goes from one server to another."""
    here, there = both.clients
    await here.request("join", "red")
    await there.request("join", "red")
    await there.request("join", "blue")
    await both.here.emit("all", 1, {"a": [None, "é"]})
    await both.here.to("blue").emit("blue", b"\x00\xff")
    await both.here.to("red").except_("blue").emit("only here")
    await both.here.to(both.sids[1]).emit("one")
    assert await here.expect("all") == [1, {"a": [None, "é"]}]
    assert await here.expect("only here") == []
    assert await there.expect("all") == [1, {"a": [None, "é"]}]
    assert await there.text() == '51-["blue",{"_placeholder":true,"num":0}]'
    assert await there.receive() == b"\x00\xff"
    assert await there.expect("one") == []
    await both.there.to("red", "blue").emit("both")
    assert await here.expect("both") == []
    assert await there.expect("both") == []

    async with background(both.here.timeout(10).emit_with_ack, "ask", 2) as asked:
        assert await here.answer("from here") == ["ask", 2]
        assert await there.answer({"from": "there"}) == ["ask", 2]
    assert sorted(asked.value, key=str) == ["from here", {"from": "there"}]

    found = await both.here.in_("red").fetch_sockets()
    assert {socket.id for socket in found} == {both.sids[0], both.sids[1]}
    assert found.complete
    assert await both.here.server_side_emit_with_ack("question", [1]) == [[1]]
    await both.here.in_(both.sids[1]).sockets_leave("blue")
    await both.here.in_(both.sids[1]).sockets_join("green")
    await both.here.to("blue").emit("nobody")
    await both.here.to("green").emit("green")
    assert await there.event() == ["green"]
    await both.here.in_(both.sids[1]).disconnect_sockets(close=True)
    await there.ended()


@only_asyncio
@each_adapter
async def test_a_cluster_of_redis(
    make: MakeAdapter, cluster_of_two: list[RedisProcess], prefix: str
) -> None:
    first, second = cluster_of_two
    async with pair(make, first.url, prefix, there=second.url) as both:
        await exercise(both)
        assert both.here.cluster.health.dropped == {}


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@each_adapter
async def test_one_server(make: MakeAdapter, redis_server: RedisProcess, prefix: str) -> None:
    async with pair(make, redis_server.url, prefix) as both:
        await exercise(both)
        assert both.here.cluster.health.dropped == {}


@only_asyncio
@each_adapter
async def test_a_master_behind_sentinel(
    make: MakeAdapter, own_redis: RedisProcess, tmp_path: Path, prefix: str
) -> None:
    folder = tmp_path / "sentinel"
    folder.mkdir()
    (folder / "sentinel.conf").write_text(f"sentinel monitor shop {HOST} {own_redis.port} 1\n")
    with RedisProcess(folder, str(folder / "sentinel.conf"), "--sentinel") as sentinel:
        manager = Sentinel([(HOST, sentinel.port)])
        create_user(own_redis, prefix, " ".join([*RIGHTS.values(), "+role"]))
        client = manager.master_for("shop", username="shop", password="secret")
        async with pair(make, client, prefix) as both:
            await exercise(both)


RIGHTS = {
    "classic": "+hello +ping +publish +subscribe +unsubscribe +psubscribe +punsubscribe"
    " +pubsub|numsub",
    "sharded": "+hello +ping +spublish +ssubscribe +sunsubscribe +pubsub|shardnumsub",
}
CHANNELS = {"classic": "&{0}* &{0}#/#*", "sharded": "&{0}*"}  # patterns must be there literally


@only_asyncio
@pytest.mark.parametrize("name", RIGHTS)
@pytest.mark.parametrize("counts", [True, False])
async def test_the_fewest_rights_over_tls(
    name: str, counts: bool, tmp_path: Path, certificate: Path, prefix: str
) -> None:
    rights = RIGHTS[name] if counts else re.sub(r" \+pubsub\S+", "", RIGHTS[name])
    channels = CHANNELS[name].format(prefix)
    (tmp_path / "users").write_text(
        f"user default off\nuser shop on >secret resetchannels {channels} {rights}\n"
    )
    with RedisProcess(tmp_path, tls=certificate, aclfile=str(tmp_path / "users")) as server:
        url = f"rediss://shop:secret@{HOST}:{server.port}?ssl_ca_certs={certificate}"
        async with pair(ADAPTERS[name], url, prefix) as both:
            assert both.adapters[0].core.traits.counts is counts
            await exercise(both)


@only_asyncio
@pytest.mark.parametrize("name", RIGHTS)
async def test_the_fewest_rights_in_a_cluster(name: str, tmp_path: Path, prefix: str) -> None:
    with redis_cluster(tmp_path) as (server,):
        create_user(server, prefix, f"{RIGHTS[name]} +cluster|slots +cluster|myid")
        url = f"redis://shop:secret@{HOST}:{server.port}"
        async with pair(ADAPTERS[name], url, prefix) as both:
            await exercise(both)


def create_user(server: RedisProcess, prefix: str, rights: str) -> None:
    channels = CHANNELS["classic"].format(prefix)
    rules = f"on >secret resetchannels {channels} {rights}"
    server.run("ACL", "SETUSER", "shop", *rules.split())


# -- details ---------------------------------------------------------------------------------


@only_asyncio
@each_adapter
async def test_an_event_before_the_first_client(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(make, redis_server.url, prefix) as both:
        third = Server(adapter=make(redis_server.url, prefix))
        async with serve(third):
            await third.emit("early")
            assert await both.clients[1].event() == ["early"]


@only_asyncio
@each_adapter
async def test_clients_that_do_not_answer(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(make, redis_server.url, prefix) as both:
        async with background(both.here.timeout(0.3).emit_with_ack, "ask") as asked:
            await both.clients[1].answer("yes")
            with pytest.raises(BroadcastAckError) as caught:
                await asked.wait()
        assert (caught.value.replies, caught.value.missing) == (["yes"], 1)


@only_asyncio
@each_adapter
async def test_a_message_above_the_limit_is_refused_where_it_is_sent(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(make, redis_server.url, prefix) as both:
        with pytest.raises(EncodeError, match="the broker takes"):
            await both.here.emit("large", "x" * (8 * 1024 * 1024))
        await both.reaches("afterwards")


@only_asyncio
@each_adapter
async def test_names_with_special_characters(
    make: MakeAdapter, redis_server: RedisProcess, prefix: str
) -> None:
    both = Pair(lambda: make(redis_server.url, prefix))
    names = ["/a", "/a#b", "/[x]*?", "/é"]
    for server in both.servers:
        for name in names:
            server.of(name)
    async with serve(both.here), serve(both.there) as served:
        await both.ready()
        for name in names:
            async with open_peer(served.url, namespace=name) as peer:
                sid = await peer.join()
                for other in names:
                    await both.here.of(other).emit("hello", other)
                    await both.here.of(other).to("b", sid).emit("room", other)
                await both.here.of(name).emit("end")
                events = [await peer.event() for _ in range(3)]
                assert events == [["hello", name], ["room", name], ["end"]]


@only_asyncio
async def test_events_for_rooms_without_members_are_not_decoded(
    redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(ADAPTERS["classic"], redis_server.url, prefix) as both:
        await both.clients[1].request("join", "red")
        redis_server.run("PUBLISH", f"{prefix}#/#green#", b"nonsense")
        redis_server.run("PUBLISH", f"{prefix}#/#red#", b"nonsense")
        await both.reaches(1)
        assert both.there.cluster.health.dropped == {"malformed messages": 1}
        assert both.here.cluster.health.dropped == {}


@only_asyncio
async def test_a_room_without_members_is_left_after_a_while(
    redis_server: RedisProcess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharded, "KEEP_ROOM_SECONDS", 0.05)
    channel = f"{prefix}#/#red#"
    async with pair(ADAPTERS["sharded"], redis_server.url, prefix) as both:

        def subscribers() -> int:
            count: int = redis_server.run("PUBSUB", "SHARDNUMSUB", channel)[1]
            return count

        await both.clients[1].request("join", "red")
        assert subscribers() == 1
        await both.here.sockets_leave("red")
        await until(lambda: subscribers() == 0)
        await both.here.sockets_join("red")
        await until(lambda: subscribers() == 2)
        await both.here.to("red").emit("again")
        assert await both.clients[1].event() == ["again"]


@only_asyncio
async def test_a_room_that_is_joined_again_is_not_left(
    redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(ADAPTERS["sharded"], redis_server.url, prefix) as both:
        for _ in range(20):
            await both.clients[1].request("join", "red")
            await both.there.sockets_leave("red")
        await both.clients[1].request("join", "red")
        await both.here.to("red").emit("still")
        assert await both.clients[1].event() == ["still"]
        driver: Any = both.adapters[1].core.driver
        assert driver._leaving == {}


@only_asyncio
async def test_servers_in_private_mode_hear_only_of_their_own_sockets(
    redis_server: RedisProcess, prefix: str
) -> None:
    async with pair(ADAPTERS["private"], redis_server.url, prefix) as both:
        channel = f"{prefix}#/#{both.sids[1]}#"
        assert redis_server.run("PUBSUB", "SHARDNUMSUB", channel)[1] == 1
        await both.here.to(both.sids[1]).emit("private")
        assert await both.clients[1].event() == ["private"]
        await both.clients[1].close()
        await until(lambda: redis_server.run("PUBSUB", "SHARDNUMSUB", channel)[1] == 0)


# -- questions of old servers ----------------------------------------------------------------


@only_asyncio
async def test_a_server_of_another_version_asks(redis_server: RedisProcess, prefix: str) -> None:
    async with pair(ADAPTERS["classic"], redis_server.url, prefix) as both:
        await both.clients[0].request("join", "red")
        sid = both.sids[0]
        with redis_server.client() as client:
            untyped: Any = client
            subscriber = untyped.pubsub()
            subscriber.subscribe(f"{prefix}-response#/#")

            def ask(request: str) -> None:
                redis_server.run("PUBLISH", f"{prefix}-request#/#", request)

            async def answers(text: str) -> list[bytes]:
                found: list[bytes] = []

                def read() -> bool:
                    message = subscriber.get_message(ignore_subscribe_messages=True)
                    if message is not None:
                        found.append(message["data"])
                    return bool(found) and text.encode() in found[-1]

                await until(read)
                return found

            ask('{"type":1,"uid":"old","requestId":"q1"}')
            await answers("red")
            ask('{"type":0,"uid":"old","requestId":"q2","rooms":["red"]}')
            await answers(f'"sockets":["{sid}"]')
            ask(f'{{"type":2,"requestId":"q3","sid":"{sid}","room":"blue"}}')
            await answers('"q3"')
        assert both.here.sockets.sockets[sid].rooms == {sid, "red", "blue"}


# -- how to make one -------------------------------------------------------------------------


def test_a_mode_that_is_none() -> None:
    mode: Any = "dynamic_private"
    with pytest.raises(ValueError, match="subscription_mode must be one of static, dynamic"):
        RedisShardedAdapter("redis://localhost", subscription_mode=mode)


def test_a_client_that_is_none() -> None:
    client: Any = 6379
    with pytest.raises(TypeError, match=r"a URL or a client of redis\.asyncio"):
        RedisAdapter(client)


@only_asyncio
async def test_a_wrong_password_ends_the_start(own_redis: RedisProcess) -> None:
    own_redis.run("CONFIG", "SET", "requirepass", "secret")
    io = Server(adapter=RedisAdapter(own_redis.url))
    async with serve(io):
        await until(lambda: isinstance(io.cluster.health.last_error, NotRetryable))
        assert "refuses the log-in" in str(io.cluster.health.last_error)


@only_asyncio
async def test_recovery_needs_a_broker_that_keeps_messages(redis_server: RedisProcess) -> None:
    adapter = RedisAdapter(redis_server.url)
    io = Server(adapter=adapter, connection_state_recovery=ConnectionStateRecovery())
    async with serve(io):
        await until(lambda: isinstance(io.cluster.health.last_error, NotRetryable))
        assert "local_recovery" in str(io.cluster.health.last_error)
