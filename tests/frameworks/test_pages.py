"""The pages on Starlette, Litestar and Quart: their code runs."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from socketio_asgi import Server
from tests.asgi.clients import check_both_transports, get
from tests.asgi.test_paths import check_diagnostic
from tests.brokers.interop.services import redis_url
from tests.docs.snippets import ROOT, blocks_of, run_blocks
from tests.support.backends import on_asyncio
from tests.support.peer import join_peer, open_peer
from tests.support.requirements import require_module
from tests.support.serving import Served

from .pages import PAGES, run

Serving = Callable[..., Awaitable[Served]]


async def check_hello(served: Served, method: str, path: str) -> None:
    """Call the handler and the route that all pages begin with."""
    async with join_peer(served.url) as peer:
        assert await peer.request("hello", "Ann") == ["hello Ann"]
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.request(method, served.url + path)
            assert response.status_code < 300
        assert await peer.expect("announcement") == ["tea"]


async def check_login(served: Served) -> None:
    """Connect without a session, and with one."""
    async with open_peer(served.url) as peer:
        assert await peer.refused() == {"message": "log in first"}
    async with httpx.AsyncClient(trust_env=False) as client:
        cookies = (await client.post(served.url + "/login/ann")).cookies
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    for transport in ("polling", "websocket"):
        async with join_peer(served.url, transport, headers=headers) as peer:
            assert await peer.request("whoami") == ["ann"]


async def test_starlette(serving: Serving) -> None:
    names = run_blocks(PAGES / "starlette.md")
    await check_hello(await serving(names["app"]), "GET", "/announce?text=tea")
    served = await serving(names["site"])
    async with open_peer(served.url) as peer:
        assert await peer.refused() == {"message": "log in first"}
    async with join_peer(served.url, headers={"X-Token": "ann"}) as peer:
        assert await peer.request("whoami") == ["ann"]
        assert await peer.request("rooms") == [["tea", "coffee"]]


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")
def test_tests_with_starlette() -> None:
    page = PAGES / "starlette.md"
    (block,) = blocks_of(page, "py")
    exec(compile(block.code, str(page), "exec", dont_inherit=True), run_blocks(page))


async def test_litestar(serving: Serving) -> None:
    names = run("litestar")
    await check_hello(await serving(names["app"]), "POST", "/announce/tea")
    await check_login(await serving(names["site"]))


async def test_litestar_by_hand(serving: Serving) -> None:
    await check_both_transports((await serving(run("litestar")["by_hand"])).url, "/live/")


@on_asyncio  # as Quart
@pytest.mark.parametrize("wrapped_inside", [False, True])
@pytest.mark.filterwarnings("ignore::DeprecationWarning:quart")
async def test_quart(serving: Serving, wrapped_inside: bool) -> None:
    names = run("quart")
    app = names["app"]
    if wrapped_inside:
        from socketio_asgi import SocketIOMiddleware

        app = names["quart"]
        app.asgi_app = SocketIOMiddleware(app.asgi_app, names["io"])
    served = await serving(app)
    await check_login(served)
    assert (await get(served.url + "/elsewhere")).status_code == 404


@pytest.mark.parametrize("path", ["/socket.io", "/api/live"])
async def test_the_plugin_of_litestar(
    serving: Serving, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    require_module("litestar")
    from litestar import Litestar

    from socketio_asgi.integrations.litestar import SocketIOPlugin

    io = Server()
    app = Litestar(plugins=[SocketIOPlugin(io, path)], logging_config=None)
    served = await serving(app)
    for slash in ("", "/"):
        await check_both_transports(served.url, path + slash)
    await check_diagnostic(served.url, path + "/elsewhere/", path + "/", caplog)


def test_wrong_arguments_of_the_plugin() -> None:
    require_module("litestar")
    from socketio_asgi.integrations.litestar import SocketIOPlugin

    with pytest.raises(TypeError, match="takes a Server and a path"):
        SocketIOPlugin("/socket.io", Server())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="begins with a slash, /live"):
        SocketIOPlugin(Server(), "live")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_rate_limits_of_a_cluster(anyio_backend: str) -> None:
    require_module("redis")
    page = ROOT / "docs" / "rate-limits.md"
    (block,) = blocks_of(page, "py")
    names: dict[str, Any] = {}
    exec(block.code.replace("redis://localhost:6379", redis_url()), names)
    names["EVENTS_A_MINUTE"] = 2
    name = secrets.token_hex(8)
    taken = [await names["take_of_cluster"](name) for _ in range(3)]
    assert taken in ([True, True, False], [True, True, True])  # unless a minute ends meanwhile
    keys = await names["redis"].keys(f"events:{name}:*")
    assert all([await names["redis"].ttl(key) > 0 for key in keys])
    await names["redis"].aclose()
