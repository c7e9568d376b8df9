"""What emitters are made with, and what they refuse before anything is sent."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import redis
import redis.asyncio

from socketio_asgi.emitters import (
    AsyncRedisEmitter,
    AsyncRedisShardedEmitter,
    RedisEmitter,
    RedisShardedEmitter,
)
from socketio_asgi.protocol import EncodeError

URL = "redis://127.0.0.1:1"  # where nobody listens


class Client:
    """A client that notes its commands."""

    def __init__(self) -> None:
        self.commands: list[tuple[Any, ...]] = []
        self.closed = False

    def execute_command(self, *args: Any) -> None:
        self.commands.append(args)

    def close(self) -> None:
        self.closed = True


def test_choices_change_nothing() -> None:
    client = Client()
    emitter = RedisEmitter(client, key="k")
    chess = emitter.to("chess")
    chess.in_("go").except_("bar").volatile.compress(False)
    chess.emit("a")
    emitter.emit("b")
    emitter.of("chat").emit("c")
    assert [command[1] for command in client.commands] == ["k#/#chess#", "k#/#", "k#/chat#"]
    assert (repr(emitter), emitter.of("chat").namespace) == ("<RedisEmitter />", "/chat")


def test_the_client_of_an_application_stays_open() -> None:
    client = Client()
    RedisEmitter(client).close()
    assert not client.closed


@pytest.mark.parametrize("mode", ["static", "dynamic", "dynamic-private"])
def test_the_channels_of_rooms(mode: Any) -> None:
    client = Client()
    emitter = RedisShardedEmitter(client, channel_prefix="k", subscription_mode=mode)
    emitter.to("chess").emit("a")
    emitter.to("twenty-characters-20").emit("a")
    emitter.to("chess", "go").emit("a")
    assert {command[0] for command in client.commands} == {"SPUBLISH"}
    channels = [command[1].removeprefix("k#/#") for command in client.commands]
    assert (
        channels
        == {
            "static": ["", "", ""],
            "dynamic": ["chess#", "", ""],
            "dynamic-private": ["chess#", "twenty-characters-20#", ""],
        }[mode]
    )


def test_wrong_arguments_send_nothing() -> None:
    client = Client()
    emitter = RedisEmitter(client)
    with pytest.raises(ValueError, match="reserved"):
        emitter.emit("connect")
    with pytest.raises(TypeError, match="an event name must be a str"):
        emitter.emit(5)  # type: ignore[call-overload]
    with pytest.raises(EncodeError):
        emitter.emit("a", object())
    with pytest.raises(EncodeError):
        emitter.server_side_emit("a", object())
    with pytest.raises(ValueError, match="reserved"):
        emitter.server_side_emit("disconnect")
    for method in (emitter.to, emitter.except_, emitter.sockets_join, emitter.sockets_leave):
        with pytest.raises(ValueError, match="at least one room"):
            method()
        with pytest.raises(TypeError, match="a room is a str"):
            method(["a"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="comma"):
        emitter.of("/a,b")
    assert client.commands == []


def test_a_wrong_client() -> None:
    with pytest.raises(TypeError, match=r"a client of redis; there is another one"):
        RedisEmitter(redis.asyncio.Redis.from_url(URL))
    with pytest.raises(TypeError, match=r"a client of redis\.asyncio; there is another one"):
        AsyncRedisEmitter(redis.Redis.from_url(URL))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a URL or a client of redis-py, not 5"):
        RedisEmitter(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scheme"):
        RedisShardedEmitter("http://localhost")
    with pytest.raises(ValueError, match="subscription_mode must be one of"):
        AsyncRedisShardedEmitter(URL, subscription_mode="all")  # type: ignore[arg-type]


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "socketio-asgi\[redis\]"'):
        RedisEmitter(URL)


def test_a_broker_that_is_away() -> None:
    emitter = RedisEmitter(URL)
    with pytest.raises(redis.ConnectionError):
        emitter.emit("a")
    emitter.close()


async def test_a_broker_that_is_away_later() -> None:
    emitter = AsyncRedisEmitter(URL)
    with pytest.raises(redis.ConnectionError):
        await emitter.emit("a")
    await emitter.close()
