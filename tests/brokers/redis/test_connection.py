"""Connections with real servers: order, loss, limits, and everything that a URL may say."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis.asyncio as redis_py
from redis.asyncio import sentinel as redis_sentinel
from redis.asyncio.cluster import RedisCluster

from socketio_asgi.brokers.redis import (
    MAX_WAITING_BYTES,
    RedisConnectionError,
    RedisDeployment,
    RedisError,
    RedisOverloaded,
    RedisReplyError,
    RedisServers,
    Subscription,
    key_slot,
)
from socketio_asgi.brokers.redis.resp import PythonReader
from socketio_asgi.exceptions import NotRetryable
from tests.adapters.support import open_runtime
from tests.brokers.redis.servers import RedisProcess, redis_cluster
from tests.support.certificates import make_certificate
from tests.support.fault_proxy import fault_proxy
from tests.support.ports import HOST, PortReservation
from tests.support.serving import unwrapped
from tests.support.waiting import until

Sentinel: Any = redis_sentinel.Sentinel  # its constructor has no types
certificate = pytest.fixture(scope="module")(make_certificate)
pytestmark = pytest.mark.runtime


class Listener:
    """What a deployment has reported."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes]] = []
        self.errors: list[Exception] = []

    def on_message(self, channel: bytes, data: bytes) -> None:
        self.messages.append((channel, data))

    def on_pattern_message(self, pattern: bytes, channel: bytes, data: bytes) -> None:
        assert pattern.endswith(b"-p*")
        self.messages.append((channel, data))


@asynccontextmanager
async def connected(
    source: Any, listener: Listener | None = None, **options: Any
) -> AsyncIterator[RedisServers]:
    listener = listener or Listener()
    with unwrapped():
        async with open_runtime() as runtime:
            deployment = RedisDeployment(source, **options)
            hear = (listener.on_message, listener.errors.append, listener.on_pattern_message)
            servers = await deployment.connect(runtime, *hear)
            try:
                yield servers
            finally:
                servers.close()


async def test_commands_are_answered_in_order(redis_server: RedisProcess, prefix: str) -> None:
    async with connected(redis_server.url) as servers:
        sent = [servers.main.send("RPUSH", prefix, number) for number in range(1000)]
        assert [await reply for reply in sent] == list(range(1, 1001))
        assert await servers.main.send("LRANGE", prefix, 0, 2) == [b"0", b"1", b"2"]
        await servers.main.send("DEL", prefix)


async def test_a_refused_command_raises_where_it_is_awaited(redis_server: RedisProcess) -> None:
    async with connected(redis_server.url) as servers:
        servers.main.send("NOSUCH")  # dropped
        refused = servers.main.send("GET")
        assert await servers.main.send("ECHO", "on") == b"on"
        with pytest.raises(RedisReplyError, match="wrong number") as caught:
            await refused
        assert caught.value.code == "ERR"
        with pytest.raises(RedisReplyError):
            await refused  # as often as one likes


async def test_messages_come_in_order_between_answers(
    redis_server: RedisProcess, prefix: str
) -> None:
    listener = Listener()
    async with connected(redis_server.url, listener) as servers:
        connection = servers.main
        for kind, name in [
            (Subscription.CHANNEL, f"{prefix}-a"),
            (Subscription.PATTERN, f"{prefix}-p*"),
            (Subscription.SHARD, f"{prefix}-s"),
        ]:
            await connection.subscribe(kind, name.encode())
        assert await connection.send("PUBLISH", f"{prefix}-a", b"\x00\r\n") == 1
        for number in range(100):
            connection.send("PUBLISH", f"{prefix}-p{number}", "x")
        assert await connection.send("SPUBLISH", f"{prefix}-s", "last") == 1
        await until(lambda: len(listener.messages) == 102)
        assert listener.messages[0] == (f"{prefix}-a".encode(), b"\x00\r\n")
        assert listener.messages[1:101] == [(f"{prefix}-p{n}".encode(), b"x") for n in range(100)]
        assert listener.messages[101] == (f"{prefix}-s".encode(), b"last")
        await connection.unsubscribe(Subscription.CHANNEL, f"{prefix}-a".encode())
        assert await connection.send("PUBLISH", f"{prefix}-a", "gone") == 0


async def test_what_is_sent_in_one_turn_is_written_at_once(redis_server: RedisProcess) -> None:
    async with (
        fault_proxy(redis_server.port) as proxy,
        connected(f"redis://{proxy.address}") as servers,
    ):
        proxy.pieces.clear()
        replies = [servers.main.send("ECHO", number) for number in range(50)]
        assert [await reply for reply in replies] == [b"%d" % number for number in range(50)]
        assert len([piece for piece in proxy.pieces if piece.startswith(b"*2\r\n$4\r\nECHO")]) == 1


async def test_a_callback_that_raises_costs_no_other_message(
    redis_server: RedisProcess, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bytes] = []

    def on_message(channel: bytes, data: bytes) -> None:
        heard.append(data)
        if data == b"bad":
            raise KeyError("a mistake")

    async with open_runtime() as runtime:
        deployment = RedisDeployment(redis_server.url)
        servers = await deployment.connect(runtime, on_message, lambda error: None)
        await servers.main.subscribe(Subscription.CHANNEL, prefix.encode())
        for data in ("bad", "good"):
            servers.main.send("PUBLISH", prefix, data)
        await until(lambda: heard == [b"bad", b"good"])
        servers.close()
    assert "a message of Redis cannot be handled" in caplog.text


# -- loss ------------------------------------------------------------------------------------


async def test_a_cut_connection_is_reported_once(redis_server: RedisProcess) -> None:
    listener = Listener()
    async with (
        fault_proxy(redis_server.port) as proxy,
        connected(f"redis://{proxy.address}", listener) as servers,
    ):
        waiting = servers.main.send("BLPOP", "nothing-comes-here", 0)
        await until(lambda: any(b"BLPOP" in piece for piece in proxy.pieces))
        proxy.cut()
        with pytest.raises(RedisConnectionError, match="lost"):
            await waiting
        await until(lambda: listener.errors)
        with pytest.raises(RedisConnectionError):
            servers.main.send("PING")
        servers.close()
        assert len(listener.errors) == 1
        assert isinstance(listener.errors[0], RedisConnectionError)


async def test_a_silent_server_is_noticed(redis_server: RedisProcess) -> None:
    listener = Listener()
    async with fault_proxy(redis_server.port) as proxy:
        times = {"silence_seconds": 0.1, "answer_seconds": 0.3}
        async with connected(f"redis://{proxy.address}", listener, **times) as servers:
            await until(lambda: b"*1\r\n$4\r\nPING\r\n" in proxy.pieces)
            assert not listener.errors  # it has answered
            proxy.freeze()
            await until(lambda: listener.errors)
            assert "has not answered for 0.3 s" in str(listener.errors[0])
            assert servers.main.closed


async def test_a_close_is_no_loss(redis_server: RedisProcess) -> None:
    listener = Listener()
    async with connected(redis_server.url, listener) as servers:
        waiting = servers.main.send("PING")
        servers.close()
        with pytest.raises(RedisConnectionError, match="closed"):
            await waiting
    assert listener.errors == []


async def test_what_was_answered_has_arrived(redis_server: RedisProcess, prefix: str) -> None:
    async with connected(redis_server.url) as servers:
        for _ in range(100):
            servers.main.send("INCR", prefix)
        await servers.drain()
    assert redis_server.run("GET", prefix) == b"100"
    redis_server.run("DEL", prefix)


async def test_a_server_that_takes_nothing_is_sent_no_more_than_the_limit(
    redis_server: RedisProcess,
) -> None:
    async with (
        fault_proxy(redis_server.port) as proxy,
        connected(f"redis://{proxy.address}") as servers,
    ):
        proxy.freeze()
        piece = b"x" * (1024 * 1024)

        async def fill(limit: int) -> None:
            for _ in range(limit // len(piece)):
                servers.main.send("ECHO", piece)
                await anyio.lowlevel.checkpoint()

        with pytest.raises(RedisOverloaded):
            await fill(20 * MAX_WAITING_BYTES)
        assert not servers.main.closed
        proxy.thaw()
        await until(lambda: _accepts(servers))


def _accepts(servers: RedisServers) -> bool:
    try:
        servers.main.send("PING")
    except RedisOverloaded:
        return False
    return True


# -- how to connect --------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    with pytest.raises(RedisConnectionError, match="cannot be reached"):
        async with connected(f"redis://{HOST}:1"):
            pass


async def test_a_server_that_does_not_answer(redis_server: RedisProcess) -> None:
    async with fault_proxy(redis_server.port) as proxy:
        proxy.freeze()
        with pytest.raises(RedisConnectionError, match="does not answer"):
            async with connected(f"redis://{proxy.address}", answer_seconds=0.1):
                pass


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", ""])
def test_a_url_of_something_else(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        RedisDeployment(url)


@pytest.mark.parametrize("client", [None, 3, Sentinel([("localhost", 1)])])
def test_something_that_is_no_client(client: Any) -> None:
    with pytest.raises(TypeError, match=r"redis\.asyncio"):
        RedisDeployment(client)


def test_a_client_that_blocks() -> None:
    import redis

    with pytest.raises(TypeError, match=r"redis\.asyncio"):
        RedisDeployment(redis.Redis())


async def test_a_client_of_redis_py_gives_its_settings(redis_server: RedisProcess) -> None:
    client = redis_py.Redis(host=HOST, port=redis_server.port, db=3, client_name="shop")
    async with connected(client) as servers:
        assert await servers.main.send("CLIENT", "GETNAME") == b"shop"
        info = await servers.main.send("CLIENT", "INFO")
        assert b" db=3 " in info
        assert b" resp=3" in info
        assert servers.main.version.startswith(tuple("678"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("acl")
    rules = "on >secret resetchannels &shop* +@connection +publish +subscribe +ssubscribe -select"
    (folder / "users.acl").write_text(f"user default off\nuser shop {rules}\n")
    path = str(folder / "redis.sock")
    with RedisProcess(folder, aclfile=str(folder / "users.acl"), unixsocket=path) as server:
        yield server


async def test_a_user_with_few_rights(guarded: RedisProcess) -> None:
    url = f"redis://shop:secret@{HOST}:{guarded.port}"
    async with connected(url) as servers:
        await servers.main.subscribe(Subscription.CHANNEL, b"shop-1")
        with pytest.raises(RedisReplyError, match="NOPERM"):
            await servers.main.subscribe(Subscription.CHANNEL, b"other")
        with pytest.raises(RedisReplyError, match="NOPERM"):
            await servers.main.send("GET", "x")


async def test_a_unix_socket(guarded: RedisProcess) -> None:
    url = f"unix://shop:secret@{guarded.folder}/redis.sock"
    async with connected(url) as servers:
        assert await servers.main.send("PING") == b"PONG"


@pytest.mark.parametrize("user", ["", "shop:wrong@", ":secret@"])
async def test_a_wrong_log_in_is_not_tried_again(guarded: RedisProcess, user: str) -> None:
    with pytest.raises(NotRetryable, match="refuses the log-in"):
        async with connected(f"redis://{user}{HOST}:{guarded.port}"):
            pass


async def test_a_log_in_that_was_right_before_is_tried_again(
    own_redis: RedisProcess,
) -> None:
    listener = Listener()
    deployment = RedisDeployment(own_redis.url)
    async with open_runtime() as runtime:
        servers = await deployment.connect(runtime, listener.on_message, listener.errors.append)
        servers.close()
        own_redis.run("CONFIG", "SET", "requirepass", "new")
        with pytest.raises(RedisConnectionError, match="refuses the log-in"):
            await deployment.connect(runtime, listener.on_message, listener.errors.append)


async def test_a_database_that_is_not_there(redis_server: RedisProcess) -> None:
    with pytest.raises(NotRetryable, match="out of range"):
        async with connected(f"{redis_server.url}/99"):
            pass


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Any:
    with RedisProcess(tmp_path_factory.mktemp("tls-server"), tls=certificate) as server:
        yield server


async def test_tls(encrypted: RedisProcess, certificate: Path) -> None:
    url = f"rediss://{HOST}:{encrypted.port}"
    async with connected(f"{url}?ssl_ca_certs={certificate}") as servers:
        assert await servers.main.send("ECHO", "x") == b"x"
    with pytest.raises(NotRetryable, match="not trusted"):
        async with connected(url):
            pass


# -- clusters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "slot"),
    [(b"123456789", 12739), (b"foo{bar}", 5061), (b"foo{}{bar}", 8363), (b"socket.io#/#", 13868)],
)
def test_slots_are_those_of_the_specification(
    key: bytes, slot: int, cluster_of_one: RedisProcess
) -> None:
    assert key_slot(key) == slot == cluster_of_one.run("CLUSTER", "KEYSLOT", key)


async def test_any_server_stands_for_its_cluster(cluster_of_two: list[RedisProcess]) -> None:
    first, second = cluster_of_two
    async with connected(first.url) as servers:
        assert servers.is_cluster
        assert {each.server.port for each in servers.masters} == {first.port, second.port}
        assert servers.for_key("a").server.port == second.port  # 15495
        assert servers.for_key(b"b").server.port == first.port  # 3300
        for key in ("a", "b"):
            await servers.for_key(key).subscribe(Subscription.SHARD, key.encode())
            assert await servers.for_key(key).send("SPUBLISH", key, "x") == 1


async def test_a_client_of_a_cluster(cluster_of_two: list[RedisProcess]) -> None:
    client = RedisCluster(host=HOST, port=cluster_of_two[1].port)
    async with connected(client) as servers:
        assert len(servers.masters) == 2


async def test_a_slot_that_moves_ends_the_connections(tmp_path: Path) -> None:
    listener = Listener()
    with redis_cluster(tmp_path, 2) as (first, second):
        async with connected(first.url, listener) as servers:
            await servers.for_key("b").subscribe(Subscription.SHARD, b"b")
            slot, target = key_slot(b"b"), second.run("CLUSTER", "MYID")
            for server in (second, first):
                server.run("CLUSTER", "SETSLOT", slot, "NODE", target)
            await until(lambda: listener.errors)
            assert "has ended a subscription" in str(listener.errors[0])


async def test_a_cluster_is_found_when_its_first_server_is_gone(tmp_path: Path) -> None:
    listener = Listener()
    with redis_cluster(tmp_path, 2) as (first, second):
        deployment = RedisDeployment(first.url)
        async with open_runtime() as runtime:
            connect = (runtime, listener.on_message, listener.errors.append)
            (await deployment.connect(*connect)).close()
            target = second.run("CLUSTER", "MYID")
            with second.client() as client:
                for slot in range(8192):
                    client.cluster("SETSLOT", slot, "NODE", target)
            first.stop()
            servers = await deployment.connect(*connect)
            assert servers.for_key("b").server.port == second.port
            servers.close()


async def test_a_server_without_its_cluster_is_tried_again(tmp_path: Path) -> None:
    with PortReservation() as bus:
        node = RedisProcess(tmp_path, cluster_enabled="yes", cluster_port=bus.port)
        with node as server, pytest.raises(RedisError) as caught:
            async with connected(server.url):
                pass
    assert "no cluster yet" in str(caught.value)


async def test_a_master_behind_sentinel(tmp_path: Path, own_redis: RedisProcess) -> None:
    folder = tmp_path / "sentinel"
    folder.mkdir()
    (folder / "sentinel.conf").write_text(f"sentinel monitor shop {HOST} {own_redis.port} 1\n")
    with RedisProcess(folder, str(folder / "sentinel.conf"), "--sentinel") as sentinel:
        both = [(HOST, 1), (HOST, sentinel.port)]  # the first is not there
        async with connected(Sentinel(both).master_for("shop")) as servers:
            assert servers.main.server.port == own_redis.port
            assert await servers.main.send("ECHO", "x") == b"x"
        with pytest.raises(RedisConnectionError, match="knows no 'other'"):
            async with connected(Sentinel(both).master_for("other")):
                pass
        with pytest.raises(NotRetryable, match="is a Sentinel"):
            async with connected(sentinel.url):
                pass


# -- packages that are not installed ---------------------------------------------------------


def test_without_redis_py_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ModuleNotFoundError, match=r"socketio-asgi\[redis\]"):
        RedisDeployment("redis://localhost")


async def test_without_hiredis_everything_works(
    redis_server: RedisProcess, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hiredis", None)
    listener = Listener()
    async with connected(redis_server.url, listener) as servers:
        assert isinstance(servers.main._reader, PythonReader)
        await servers.main.subscribe(Subscription.CHANNEL, prefix.encode())
        sizes = [0, 1, 100_000, 3, 1_000_000]
        for size in sizes:
            servers.main.send("PUBLISH", prefix, b"x" * size)
        await servers.drain()
        await until(lambda: len(listener.messages) == len(sizes))
        assert [len(data) for _, data in listener.messages] == sizes
