"""The residue check passes on clean code and names what stays behind."""

from __future__ import annotations

import os

import anyio
import pytest

from tests.support.backends import not_fast, serves
from tests.support.clients import connect_websocket
from tests.support.echo import EchoApp
from tests.support.residue import Snapshot, instances, no_residue
from tests.support.serving import serve

pytestmark = pytest.mark.runtime


class Thing:
    """Counted by the check."""


@serves
async def test_serving_leaves_nothing() -> None:
    async with (
        no_residue(classes=(EchoApp, Thing)),
        serve(EchoApp()) as served,
        connect_websocket(served.ws_url + "/ws") as ws,
    ):
        await ws.send("hello")
        await ws.receive()
        await ws.abort()


@serves
async def test_a_connection_leaves_nothing_in_a_running_server() -> None:
    async with serve(EchoApp()) as served:
        async with connect_websocket(served.ws_url + "/ws"):
            pass
        before = Snapshot.take()
        for _ in range(3):
            async with connect_websocket(served.ws_url + "/ws") as ws:
                await ws.send("hello")
                await ws.receive()
        await before.assert_nothing_left()


@not_fast  # it says nothing of its timers
async def test_leftovers_are_named() -> None:
    things: list[Thing] = []
    text = ""
    before = Snapshot.take((Thing,))
    reader, writer = os.pipe()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 3600, name="lingering")
        things.append(Thing())
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(AssertionError) as failure:
            await before.assert_nothing_left(timeout=0.05)
        text = str(failure.value)
        tasks.cancel_scope.cancel()
    assert "task lingering" in text
    assert "\n  timer " in text
    assert f"file descriptor {reader} -> pipe:" in text
    assert "1 more Thing (referred to by: list" in text
    os.close(reader)
    os.close(writer)
    assert instances(Thing) == things
    things.clear()
    await before.assert_nothing_left()


async def test_a_task_that_was_there_may_set_timers_again() -> None:
    async def tick() -> None:
        while True:
            with anyio.move_on_after(0.01):
                await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        await anyio.wait_all_tasks_blocked()
        before = Snapshot.take()
        for _ in range(20):
            await anyio.sleep(0.003)
            assert before.leftovers() == []
        tasks.cancel_scope.cancel()
