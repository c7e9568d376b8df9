"""The page that shows a contract."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from socketio_asgi import Server, Socket, SocketIOMiddleware, contract_page
from socketio_asgi.contract.page import POLICY

from .app import io


def mounted(path: str) -> FastAPI:
    app = FastAPI()
    app.mount(path, contract_page(io, title="Chat & more", version="1.2.3"))
    return app


APPS: dict[str, Callable[[], object]] = {
    "FastAPI": lambda: mounted("/events"),
    "Starlette": lambda: Starlette(routes=[Mount("/events", contract_page(io))]),
    "wrapped": lambda: SocketIOMiddleware(mounted("/events"), io),
    "nested": lambda: Starlette(routes=[Mount("/events", mounted("/"))]),
}


async def get(app: object, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, follow_redirects=True)


@pytest.mark.parametrize("name", APPS)
async def test_in_applications(name: str) -> None:
    app = APPS[name]()
    page = await get(app, "/events")
    assert (page.status_code, str(page.url)) == (200, "http://test/events/")
    for link in re.findall('href="(.*?)"', page.text):
        assert (await get(app, f"/events/{link}")).status_code == 200


async def test_what_it_shows() -> None:
    app = mounted("/events")
    page = (await get(app, "/events/")).text
    for text in (
        "<title>Chat &amp; more</title>",
        "<code>/socket.io</code>",
        "<h2>Namespace <code>/admin</code></h2>",
        r"<h2>Namespaces <code>/room-\d+</code></h2>",
        "<p>Rooms of people.</p>",
        "<code>two words</code>",
        "(on?: boolean, ack?: (error?: ErrorAck&lt;",
        "<p>Something new.</p>",
        "export interface ItemInput {",
    ):
        assert text in page, text
    contract = io.contract(title="Chat & more", version="1.2.3")
    assert (await get(app, "/events/contract.ts")).text == contract.typescript()
    assert (await get(app, "/events/asyncapi.json")).json() == contract.asyncapi()


async def test_it_loads_nothing() -> None:
    answer = await get(mounted("/events"), "/events/")
    assert answer.headers["content-security-policy"] == POLICY
    assert POLICY.startswith("default-src 'none'")
    assert re.findall(r"<script|<link|<img|<iframe|@import|url\(|https?://", answer.text) == []


async def test_handlers_that_are_registered_after_it_was_mounted() -> None:
    server = Server()
    page = contract_page(server)

    @server.on("<late>")
    async def late(socket: Socket) -> int:
        """<b>Text</b>"""
        return 1

    text = (await get(page, "/")).text
    assert "<code>&lt;late&gt;</code>" in text
    assert "<p>&lt;b&gt;Text&lt;/b&gt;</p>" in text


async def test_an_event_without_a_type_in_typescript() -> None:
    server = Server()

    @server.on("tags")
    async def tags(socket: Socket, *tags: str) -> int:
        return len(tags)

    page = await get(contract_page(server), "/")
    assert page.status_code == 200
    assert "TypeScript has no type for that" in page.text
