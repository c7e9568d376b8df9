"""The pages of the UI, from a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.admin import AdminPages, instrument
from tests.support.peer import open_peer
from tests.support.serving import Served

pytestmark = pytest.mark.runtime


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    for name in ("css/app.1.css", "js/app.2.js", "index.html"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of {name}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
async def http(
    folder: Path, serving: Callable[..., Awaitable[Served]]
) -> AsyncIterator[httpx.AsyncClient]:
    served = await serving(Starlette(routes=[Mount("/admin-ui", AdminPages(folder))]))
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        yield client


async def test_files(http: httpx.AsyncClient) -> None:
    page = await http.get("/admin-ui/")
    assert (page.status_code, page.text) == (200, "of index.html")
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    script = await http.get("/admin-ui/js/app.2.js")
    assert script.text == "of js/app.2.js"
    assert "immutable" in script.headers["cache-control"]
    etag = {"If-None-Match": page.headers["etag"]}
    again = await http.get("/admin-ui/", headers=etag)
    assert (again.status_code, again.content) == (304, b"")
    moved = await http.get("/admin-ui")
    assert (moved.status_code, moved.headers["location"]) == (307, str(page.url))


@pytest.mark.parametrize("path", ["%2e%2e/secret.txt", "js/%2e%2e/%2e%2e/secret.txt", "no"])
async def test_nothing_else(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(f"/admin-ui/{path}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-cache"
    assert (await http.post("/admin-ui/")).status_code == 405


async def test_beside_a_server(folder: Path, serving: Callable[..., Awaitable[Served]]) -> None:
    io = Server()
    instrument(io, auth=False)
    served = await serving(SocketIOMiddleware(AdminPages(folder), io))
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        assert (await client.get("/")).text == "of index.html"
    async with open_peer(served.url, namespace="/admin") as peer:
        await peer.join()
