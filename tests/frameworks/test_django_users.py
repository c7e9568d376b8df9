"""The user and the session of a client, with Channels and without."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
import httpx
import pytest

from socketio_asgi import ConnectionRefused, Server, Socket, SocketIOMiddleware
from tests.asgi.clients import get
from tests.support.peer import join_peer, open_peer
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def wrapped(io: Server) -> tuple[Any, str]:
    from django.core.asgi import get_asgi_application

    return SocketIOMiddleware(get_asgi_application(), io), "/socket.io/"


def with_channels(io: Server) -> tuple[Any, str]:
    from channels.auth import AuthMiddlewareStack
    from channels.routing import ProtocolTypeRouter, URLRouter
    from django import urls
    from django.core.asgi import get_asgi_application

    path: Any = urls.path  # which is for views, and so are its types
    re_path: Any = urls.re_path
    live = AuthMiddlewareStack(URLRouter([path("", io)]))
    router: Any = URLRouter
    routes = [re_path(r"^api/live/", live)]
    http = router([*routes, re_path(r"", get_asgi_application())])
    return ProtocolTypeRouter({"http": http, "websocket": router(routes)}), "/api/live/"


def make_server() -> Server:
    from socketio_asgi.integrations import django

    io = django.make_server()

    @io.on("plain")
    def plain(socket: Socket) -> list[Any]:
        return [django.user(socket).get_username(), django.session(socket).get("cart")]

    @io.on("asynchronous")
    async def asynchronous(socket: Socket) -> list[Any]:
        user = await django.auser(socket)
        return [user.get_username(), await django.session(socket).aget("cart")]

    return io


async def log_in(served: Served) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        response = await client.get("/login/ann")
        return {"Cookie": f"sessionid={response.cookies['sessionid']}"}


ways = pytest.mark.parametrize("way", [wrapped, with_channels])


@ways
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_who_is_logged_in(
    serving: Serving, django: Any, way: Any, transport: Any, anyio_backend: str
) -> None:
    app, path = way(make_server())
    served = await serving(app)
    assert (await get(served.url)).text == "Django"
    headers = await log_in(served)
    async with join_peer(served.url, transport, path=path, headers=headers) as peer:
        for event in ("plain", "asynchronous"):
            assert await peer.request(event) == [["ann", ["tea"]]]
    async with join_peer(served.url, transport, path=path) as peer:
        for event in ("plain", "asynchronous"):
            assert await peer.request(event) == [["", None]]


@ways
async def test_a_middleware_that_refuses(
    serving: Serving, django: Any, way: Any, anyio_backend: str
) -> None:
    from socketio_asgi.integrations.django import user

    io = make_server()

    @io.use
    def authenticate(socket: Socket) -> None:
        if not user(socket).is_authenticated:
            raise ConnectionRefused("log in first")

    app, path = way(io)
    served = await serving(app)
    async with open_peer(served.url, path=path) as peer:
        assert await peer.refused() == {"message": "log in first"}
    async with join_peer(served.url, path=path, headers=await log_in(served)) as peer:
        assert await peer.request("plain") == [["ann", ["tea"]]]


async def test_who_has_logged_out_since(serving: Serving, django: Any, anyio_backend: str) -> None:
    served = await serving(wrapped(make_server())[0])
    headers = await log_in(served)
    async with join_peer(served.url, headers=headers) as peer:
        assert await peer.request("asynchronous") == [["ann", ["tea"]]]
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(served.url + "/logout", headers=headers)
        for event in ("plain", "asynchronous"):
            assert await peer.request(event) == [["", None]]


async def test_a_session_outlives_a_change_of_the_secret(
    serving: Serving, django: Any, anyio_backend: str
) -> None:
    from django.test import override_settings

    served = await serving(wrapped(make_server())[0])
    headers = await log_in(served)
    rotated = override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["secret"])
    await anyio.to_thread.run_sync(rotated.enable)
    try:
        async with join_peer(served.url, headers=headers) as peer:
            for event in ("plain", "asynchronous", "plain"):  # the cookie is still good
                assert await peer.request(event) == [["ann", ["tea"]]]
    finally:
        await anyio.to_thread.run_sync(rotated.disable)


async def test_the_plain_form_in_an_asynchronous_handler(
    serving: Serving, django: Any, caplog: pytest.LogCaptureFixture, anyio_backend: str
) -> None:
    from socketio_asgi.integrations.django import user

    io = make_server()
    done = anyio.Event()

    @io.on("wrong")
    async def wrong(socket: Socket) -> None:
        try:
            user(socket)
        finally:
            done.set()

    served = await serving(wrapped(io)[0])
    with caplog.at_level(logging.ERROR, logger="socketio_asgi"):
        async with join_peer(served.url, headers=await log_in(served)) as peer:
            await peer.emit("wrong")
            await done.wait()
            await peer.request("plain")
    assert "await auser(socket)" in caplog.text
