"""Events of one server to the clients of all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from .cluster import Cluster, Kind
from .servers import To
from .values import UNDEFINED

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

HELLO: list[Any] = ["hello", 1, "zwei", {"drei": [3.5, None, True]}]
SAME: Any = object()


async def test_an_event_reaches_all_clients(cluster: Cluster) -> None:
    await cluster.here.emit(*HELLO)
    assert await cluster.heard() == [[HELLO]] * 4


async def test_events_come_in_order(cluster: Cluster) -> None:
    for number in range(200):
        await cluster.here.emit("count", number)
    expected = [["count", number] for number in range(200)]
    assert await cluster.heard() == [expected] * 4


async def test_an_event_for_a_room(cluster: Cluster) -> None:
    await cluster.clients[1].join("chess")
    await cluster.clients[2].join("chess")
    await cluster.here.emit(*HELLO, to=To(["chess"]))
    await cluster.here.emit("nobody", to=To(["go"]))
    assert await cluster.heard() == [[], [HELLO], [HELLO], []]


async def test_an_event_for_several_rooms_comes_once(cluster: Cluster) -> None:
    await cluster.clients[0].join("chess")
    await cluster.clients[2].join("chess")
    await cluster.clients[2].join("go")
    await cluster.clients[3].join("go")
    await cluster.here.emit(*HELLO, to=To(["chess", "go"]))
    assert await cluster.heard() == [[HELLO], [], [HELLO], [HELLO]]


async def test_rooms_that_are_left_out(cluster: Cluster) -> None:
    await cluster.clients[0].join("chess")
    await cluster.clients[2].join("chess")
    await cluster.clients[2].join("go")
    await cluster.clients[3].join("go")
    await cluster.here.emit("one", to=To(excluded=["go"]))
    await cluster.here.emit("two", to=To(["chess"], ["go"]))
    await cluster.here.emit("three", to=To(["chess", "go"], [cluster.clients[3].sid]))
    one, two, three = ["one"], ["two"], ["three"]
    assert await cluster.heard() == [[one, two, three], [one], [three], []]


async def test_an_event_for_one_client(cluster: Cluster) -> None:
    await cluster.here.emit(*HELLO, to=To([cluster.clients[2].sid]))
    await cluster.here.emit(*HELLO, to=To([cluster.clients[0].sid]))
    assert await cluster.heard() == [[HELLO], [], [HELLO], []]


async def test_a_room_that_was_left(cluster: Cluster) -> None:
    client = cluster.clients[2]
    await client.join("chess")
    await client.request("leave", "chess")
    await cluster.here.emit(*HELLO, to=To(["chess"]))
    assert await cluster.heard() == [[], [], [], []]  # so that it is not on its way any more
    await client.join("chess")
    await cluster.here.emit("again", to=To(["chess"]))
    assert await cluster.heard() == [[], [], [["again"]], []]


ROOMS = ["*", "a?[b]", "a#b", "#", "é😀", "twenty-characters-20", "0"]


async def test_rooms_with_odd_names(cluster: Cluster) -> None:
    await cluster.clients[3].join("other")
    for room in ROOMS:
        await cluster.clients[2].join(room)
        await cluster.here.emit("to", room, to=To([room]))
    assert await cluster.heard() == [[], [], [["to", room] for room in ROOMS], []]


async def test_what_a_client_tells_the_others(cluster: Cluster) -> None:
    await cluster.clients[2].join("chess")
    await cluster.clients[0].emit("tell others", *HELLO)
    await cluster.clients[1].expect("hello")
    await cluster.clients[0].emit("tell room", "chess", "move", "e4")
    await cluster.clients[2].expect("move")
    assert await cluster.heard() == [[], [HELLO], [HELLO, ["move", "e4"]], [HELLO]]


async def test_bytes(cluster: Cluster) -> None:
    event: list[Any] = ["data", b"\x00\xff", {"deep": [b"", {"er": b"x" * 1000}]}, "text"]
    await cluster.here.emit(*event)
    for client in cluster.clients:
        await client.expect("data")
    assert await cluster.heard() == [[event]] * 4


async def test_a_large_event(cluster: Cluster) -> None:
    event: list[Any] = ["large", "é" * 50_000, b"\x01" * 100_000]
    await cluster.here.emit(*event)
    for client in cluster.clients:
        await client.expect("large")
    assert await cluster.heard() == [[event]] * 4


VALUES: dict[str, tuple[Any, Any]] = {
    "nan": ([float("nan"), float("inf"), float("-inf")], [None, None, None]),
    "large-integer": (2**53 - 1, SAME),
    "negative-integers": ([-1, -129, -70_000, -(2**31) - 1], SAME),
    "float": ([0.1, 1.5e-300, -0.5], SAME),
    "emoji": ("😀é\u2028\x00", SAME),
    "odd-keys": ({"": 1, "é": 2, "__proto": 3, "1": 4}, SAME),
    "deep": ([[[[[[[[[["x"]]]]]]]]]], SAME),
    "empty": ([[], {}, "", None], SAME),
}
"""By name: what is sent, and what clients hear."""


async def test_values(cluster: Cluster) -> None:
    for name, (value, _) in VALUES.items():
        await cluster.here.emit(name, value)
    expected = [[name, VALUES[name][heard is not SAME]] for name, (_, heard) in VALUES.items()]
    assert await cluster.heard() == [expected] * 4


async def test_dates(cluster: Cluster) -> None:
    dates = [datetime(year, 1, 2, 3, 4, 5, 678000, UTC) for year in (1960, 2026, 2600)]
    await cluster.here.emit("dates", {"at": dates})
    heard = await cluster.heard()
    assert heard == [heard[0]] * 4
    ((_, value),) = heard[0]
    assert [datetime.fromisoformat(text) for text in value["at"]] == dates


async def test_half_a_character(cluster: Cluster) -> None:
    await cluster.here.emit("value", "a\ud83d")
    await cluster.here.emit("next")
    for (_, text), following in await cluster.heard():
        assert text[0] == "a"  # the rest has no form in MessagePack, and some wires carry that
        assert following == ["next"]


@pytest.mark.acting(Kind.OURS)  # official servers turn them into other numbers
async def test_large_numbers(cluster: Cluster) -> None:
    value = [1e300, -1e22, 2.0**53]
    await cluster.here.emit("value", value)
    assert await cluster.heard() == [[["value", value]]] * 4


@pytest.mark.acting(Kind.NODE)
async def test_undefined(cluster: Cluster) -> None:
    await cluster.here.emit("value", {"a": 1, "b": UNDEFINED}, [UNDEFINED], UNDEFINED)
    for _, first, *rest in [heard for (heard,) in await cluster.heard()]:
        assert first in ({"a": 1}, {"a": 1, "b": None})  # by the encoding on the way
        assert rest == [[None], None]


async def test_a_volatile_event(cluster: Cluster) -> None:
    await cluster.here.emit(*HELLO, to=To(volatile=True))
    assert await cluster.heard() == [[HELLO]] * 4


async def test_a_local_event(cluster: Cluster) -> None:
    await cluster.here.emit(*HELLO, to=To(local=True))
    assert await cluster.heard() == [[HELLO], [HELLO], [], []]


async def test_an_event_of_a_server_without_clients(cluster: Cluster) -> None:
    for kind in set(cluster.kinds):
        side = await cluster.start(kind)
        await side.emit(*HELLO)
        assert await cluster.heard(sender=side) == [[HELLO]] * 4
        await cluster.stop(side)
        for client in cluster.clients:
            client.heard.clear()


async def test_namespaces_are_apart(cluster: Cluster) -> None:
    chatting = [await cluster.connect(side, "/chat") for side in (cluster.here, cluster.there)]
    await cluster.acquainted("/chat")
    await cluster.here.emit(*HELLO, to=To(namespace="/chat"))
    await cluster.here.emit("main")
    assert await cluster.heard(*chatting, namespace="/chat") == [[HELLO]] * 2
    assert await cluster.heard() == [[["main"]]] * 4


async def test_dynamic_namespaces(cluster: Cluster) -> None:
    sides = (cluster.here, cluster.there)
    clients = [await cluster.connect(side, "/room-blue") for side in sides]
    await cluster.acquainted("/room-blue")
    await cluster.here.emit(*HELLO, to=To(namespace="/room-blue"))
    assert await cluster.heard(*clients, namespace="/room-blue") == [[HELLO]] * 2
    assert await cluster.heard() == [[]] * 4
