"""The page on Django: its code runs."""

from __future__ import annotations

import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from tests.asgi.clients import check_both_transports, get
from tests.docs.snippets import ROOT, blocks_of
from tests.support.peer import join_peer, open_peer
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

PAGE = ROOT / "docs" / "frameworks" / "django.md"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the page does to the environment from others."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "mysite.settings")


def run_page() -> dict[str, Any]:
    """Run its blocks in their order; those of the settings have names of their own."""
    names: dict[str, Any] = {"__name__": __name__}
    before = set(threading.enumerate())
    for block in blocks_of(PAGE, "py"):
        code = compile("\n" * (block.line - 1) + block.code, str(PAGE), "exec", dont_inherit=True)
        exec(code, names)
    for thread in set(threading.enumerate()) - before:  # the database lasts as long as the test
        thread.join()
    return names


async def test_the_page(serving: Serving, django: Any, anyio_backend: str) -> None:
    names = run_page()
    served = await serving(names["application"])
    assert (await get(served.url)).text == "Django"
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        await client.get("/login/ann")
        headers = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
        async with open_peer(served.url) as peer:
            assert await peer.refused() == {"message": "log in first"}
        async with join_peer(served.url, headers=headers) as peer:
            assert await peer.request("whoami") == ["ann"]
            assert await peer.request("cart") == [["tea"]]
            names["Thread"](target=names["count_users"]).start()
            assert await peer.expect("users") == [1]
            request = type("Request", (), {"GET": {"text": "Hello"}})()
            await anyio.to_thread.run_sync(names["announce"], request)
            assert await peer.expect("announcement") == ["Hello"]
            await client.get("/logout")
            assert await peer.text() == "1"  # DISCONNECT


async def test_beside_channels(serving: Serving, django: Any, anyio_backend: str) -> None:
    from socketio_asgi.integrations.django import make_server

    names = run_page()
    io = make_server()
    # The same routes, with a server that lets everybody in.
    source = next(block.code for block in blocks_of(PAGE, "py") if "with_channels" in block.code)
    exec(source, names | {"io": io}, scope := {**names, "io": io})
    served = await serving(scope["with_channels"])
    await check_both_transports(served.url, "/live/")
    assert (await get(served.url)).text == "Django"


def test_the_settings_of_the_page(django: Any, anyio_backend: str) -> None:
    from django.test import override_settings

    from socketio_asgi.integrations.django import ChannelLayerAdapter, make_server

    names = run_page()
    with override_settings(SOCKETIO=names["SOCKETIO"]):
        io = make_server()
    assert isinstance(io.__socketio__.adapters._factory, ChannelLayerAdapter)


def test_every_check_is_in_the_table(anyio_backend: str) -> None:
    code = (ROOT / "integrations" / "django" / "checks.py").read_text("utf-8")
    table = PAGE.read_text("utf-8")
    ids = set(re.findall(r"socketio\.[EW]\d{3}", code))
    assert ids == set(re.findall(r"`(socketio\.[EW]\d{3})`", table))
