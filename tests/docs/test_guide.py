"""The pages on private messages and on rate limits: what they say happens."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.clients import PollingClient
from tests.support.peer import Peer, join_peer, open_peer
from tests.support.serving import Served
from tests.support.waiting import until

from .snippets import ROOT, run_blocks

Serving = Callable[..., Awaitable[Served]]


def page(name: str) -> dict[str, Any]:
    return run_blocks(ROOT / "docs" / f"{name}.md")


def opened(served: Served, name: str) -> Any:
    return join_peer(served.url, auth={"token": f"token of {name}"})


async def test_private_messages(serving: Serving) -> None:
    names = page("private-messages")
    names["GRACE"] = 0.01
    served = await serving(names["io"])
    async with open_peer(served.url) as peer:
        assert await peer.refused() == {"message": "log in first"}
    async with opened(served, "ann") as ann, opened(served, "ann") as device:
        assert await ann.expect("people") == [["ann"]]
        assert await device.expect("people") == [["ann"]]  # and nobody is told
        async with opened(served, "bob") as bob:
            assert await bob.expect("people") == [["ann", "bob"]]
            for peer in (ann, device):
                assert await peer.expect("online") == ["bob"]
            assert await ann.request("private message", "bob", "hello") == ["sent"]
            message = {"from": "ann", "to": "bob", "text": "hello"}
            for peer in (bob, device):
                assert await peer.expect("private message") == [message]
            (answer,) = await bob.request("private message", "nobody", "hello")
            assert answer["error"]["code"] == "unknown_user"
        assert await ann.expect("offline") == ["bob"]


async def test_a_page_that_is_loaded_again(serving: Serving) -> None:
    names = page("private-messages")
    names["GRACE"] = 0.2
    served = await serving(names["io"])
    async with opened(served, "bob") as bob:
        await bob.expect("people")
        async with opened(served, "ann"):
            assert await bob.expect("online") == ["ann"]
        async with opened(served, "ann"):
            assert await bob.expect("online") == ["ann"]
        assert await bob.expect("offline") == ["ann"]  # once, after the last one


async def test_messages_to_somebody_who_is_away(serving: Serving) -> None:
    names = page("private-messages")
    names["GRACE"] = 0.01
    served = await serving(names["io"])
    async with opened(served, "ann") as ann:
        await ann.expect("people")
        assert await ann.request("note", "bob", "one") == ["kept"]
        async with opened(served, "bob") as bob:
            await bob.expect("people")
            assert await ann.expect("online") == ["bob"]
            assert await bob.request("unread") == [["one"]]
            await ann.emit("note", "bob", "two", ack=1)
            assert await bob.expect("note") == ["two"]
            assert await ann.acknowledgement(ack=1) == ["delivered"]


async def code_of(peer: Peer) -> str | None:
    """The code of the error that an event is answered with."""
    (answer,) = await peer.request("say", "hello")
    return answer["error"]["code"] if isinstance(answer, dict) else None


async def test_rate_limits(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    names = page("rate-limits")
    now = 0.0
    names["monotonic"] = lambda: now
    served = await serving(names["io"])
    async with join_peer(served.url) as one, join_peer(served.url) as other:
        codes = [await code_of(one) for _ in range(11)]
        assert codes == [None] * 10 + ["too_many_events"]
        now += 0.2
        assert [await code_of(one) for _ in range(2)] == [None, "too_many_events"]
        for _ in range(11):
            await other.expect("said")
        await other.emit("say", "I may", ack=1)
        assert await one.expect("said") == ["I may"]
        assert await other.acknowledgement(ack=1) == ["said"]
    await until(lambda: gc.collect() >= 0 and len(names["buckets"]) == 0)


async def test_clients_that_do_not_stop(serving: Serving) -> None:
    names = page("rate-limits")
    names["monotonic"] = lambda: 0.0
    strict = names["strict"]
    strict.on("say")(names["say"])
    served = await serving(strict)
    async with join_peer(served.url) as peer:
        codes = [await code_of(peer) for _ in range(30)]
        assert codes == [None] * 10 + ["too_many_events"] * 20
        await peer.emit("say", "once more")
        await until(lambda: strict.engine.clients_count == 0)


def test_by_user() -> None:
    names = page("rate-limits")
    names["monotonic"] = lambda: 0.0
    names["MAX_USERS"] = 2
    take = names["take_of_user"]
    assert [take("ann") for _ in range(11)] == [True] * 10 + [False]
    assert take("bob")
    assert not take("ann")
    take("cy")  # in place of bob
    assert not take("ann")
    assert list(names["by_user"]) == ["cy", "ann"]


async def test_new_connections(serving: Serving) -> None:
    names = page("rate-limits")
    names["CONNECTIONS_A_MINUTE"] = 2
    served = await serving(names["guarded"])
    async with PollingClient(served.url) as client:
        statuses = [(await client.request("GET")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
