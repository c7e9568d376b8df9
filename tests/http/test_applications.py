"""Applications of Starlette and FastAPI, over HTTP/1.1 of a real client."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from tests.support.waiting import until

from .conftest import PLAIN
from .support import HTTPClass, Serving

PIECES = [b"%d" % number * 1000 for number in range(100)]


async def plain(request: StarletteRequest) -> Response:
    return PlainTextResponse(f"hello {request.path_params['name']}")


async def json(request: StarletteRequest) -> Response:
    return JSONResponse(await request.json())


async def stream(request: StarletteRequest) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece
            if "slowly" in request.query_params:
                await anyio.lowlevel.checkpoint()

    return StreamingResponse(pieces())


async def send_file(request: StarletteRequest) -> Response:
    return FileResponse(request.app.state.file, filename="data")


async def moved(request: StarletteRequest) -> Response:
    return RedirectResponse("/plain/moved")


async def later(request: StarletteRequest) -> Response:
    async def work() -> None:
        await anyio.sleep(0.01)
        request.app.state.done.append("later")

    return PlainTextResponse("soon", background=BackgroundTask(work))


async def broken(request: StarletteRequest) -> Response:
    raise ValueError("on purpose")


class Named(BaseHTTPMiddleware):
    """Adds a header, in the way that streams what comes from the application."""

    async def dispatch(
        self, request: StarletteRequest, call_next: RequestResponseEndpoint
    ) -> Response:
        response = await call_next(request)
        response.headers["x-name"] = "named"
        return response


def starlette_app(file: Path) -> Starlette:
    """Routes with a response of each kind."""
    app = Starlette(
        routes=[
            Route("/plain/{name}", plain),
            Route("/json", json, methods=["POST"]),
            Route("/stream", stream),
            Route("/file", send_file),
            Route("/moved", moved),
            Route("/later", later),
            Route("/broken", broken),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=500), Middleware(Named)],
    )
    app.state.file = file
    app.state.done = []
    return app


async def test_starlette(serving: Serving, http: HTTPClass, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(b"".join(b"%07d\n" % number for number in range(100_000)))
    app = starlette_app(file)
    served = await serving(app, http=http, **PLAIN)
    async with httpx.AsyncClient(base_url=served.url) as client:
        for _ in range(2):  # on the same connection
            response = await client.get("/plain/you")
            assert (response.status_code, response.text) == (200, "hello you")
            assert response.headers["x-name"] == "named"
            assert (await client.post("/json", json={"a": [1, 2]})).json() == {"a": [1, 2]}
            for query in ("", "?slowly"):
                response = await client.get(f"/stream{query}")
                assert response.headers["content-encoding"] == "gzip"
                assert response.content == b"".join(PIECES)
            await check_file(client, file.read_bytes())
            response = await client.get("/moved", follow_redirects=True)
            assert response.text == "hello moved"
            assert (await client.get("/later")).text == "soon"
            assert (await client.get("/nowhere")).status_code == 404
            assert (await client.head("/plain/you")).content == b""
        assert (await client.get("/broken")).status_code == 500
    await until(lambda: app.state.done == ["later"] * 2)


async def check_file(client: httpx.AsyncClient, data: bytes) -> None:
    """A file, whole, packed, in part, and not at all."""
    plain = {"accept-encoding": "identity"}
    response = await client.get("/file", headers=plain)
    assert response.content == data
    assert response.headers["content-length"] == str(len(data))
    assert (await client.get("/file")).content == data
    response = await client.get("/file", headers={**plain, "range": "bytes=8-15"})
    assert (response.status_code, response.content) == (206, data[8:16])
    response = await client.head("/file", headers=plain)
    assert (response.content, response.headers["content-length"]) == (b"", str(len(data)))
    async with client.stream("GET", "/file") as stream:
        packed = b"".join([piece async for piece in stream.aiter_raw()])
    assert gzip.decompress(packed) == data


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    @app.get("/sync")
    def in_a_thread() -> dict[str, str]:
        return {"thread": "yes"}

    @app.post("/upload")
    async def upload(request: Request) -> dict[str, int]:
        size = 0
        async for piece in request.stream():
            size += len(piece)
        return {"size": size}

    return app


async def test_fastapi(serving: Serving, http: HTTPClass) -> None:
    served = await serving(fastapi_app(), http=http, **PLAIN)
    async with httpx.AsyncClient(base_url=served.url) as client:
        results: list[Any] = []

        async def fetch(number: int) -> None:
            results.append((await client.get(f"/items/{number}")).json())

        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(fetch, number)
        assert sorted(result["number"] for result in results) == list(range(30))
        assert (await client.get("/items/x")).status_code == 422
        assert (await client.get("/sync")).json() == {"thread": "yes"}
        assert (await client.get("/openapi.json")).json()["info"]["title"] == "FastAPI"

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(50):
                yield bytes(10_000)

        response = await client.post("/upload", content=pieces())
        assert response.json() == {"size": 500_000}
