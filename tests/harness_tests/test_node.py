"""Scenarios in Node and in Chromium."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.echo import EchoApp
from tests.support.node import INTEROP, NodeError, run_browser, run_node, start_browser, start_node
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


async def test_a_conversation(serving: Serving, node_modules: Path) -> None:
    served = await serving(EchoApp())
    options = {"bytes": b"\x00\xff"}
    async with start_node("harness/echo.mjs", served.ws_url + "/ws", options) as script:
        assert (await script.wait_for("connected"))["bytes"] == b"\x00\xff"
        await script.send("say", text="hello")
        assert await script.finish() == {"ok": True, "reply": "hello"}


async def test_every_client_is_installed(node_modules: Path) -> None:
    result = await run_node("harness/clients.mjs")
    assert {name for name, kind in result.items() if kind == "function"} == {
        *("io", "engine", "msgpack", "sio2", "eio3")
    }


@pytest.mark.parametrize(
    ("how", "message"),
    [("throw", "thrown on"), ("later", "uncaught on"), ("hang", "took more than 1000 ms")],
)
async def test_failures_are_shown(how: str, message: str, node_modules: Path) -> None:
    with pytest.raises(NodeError, match=f"(?s)failed.*{message}"):
        await run_node("harness/fail.mjs", options={"how": how}, timeout=1)


async def test_a_page(serving: Serving, chromium: str) -> None:
    served = await serving(EchoApp())
    async with start_browser("harness/page.js", served.url, {"text": "hi"}) as script:
        assert (await script.wait_for("open", timeout=20))["text"] == "hi"
        await script.send("say", text="hello")
        result = await script.finish()
    assert (result["reply"], result["io"]) == ("hello", "function")
    assert result["origin"] != served.url


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_page_of_the_server(
    serving: Serving, chromium: str, tmp_path: Path, anyio_backend: str
) -> None:
    served = await serving(EchoApp())
    scenario = tmp_path / "origin.js"
    scenario.write_text("async () => ({ origin: location.origin, text: document.body.innerText })")
    result = await run_browser(scenario, served.url, page=served.url + "/")
    assert (result["origin"], result["text"]) == (served.url, "ok")


def test_the_lock_file_names_no_address() -> None:
    lock = json.loads((INTEROP / "package-lock.json").read_text())
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
