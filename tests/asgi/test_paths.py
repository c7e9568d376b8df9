"""Where clients reach the server: stand-alone, mounted and wrapped, below any prefix."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.integrations import fastapi as fastapi_integration
from socketio_asgi.integrations.starlette import SocketIOMount, mount
from tests.asgi.clients import ENGINE, check_both_transports, get, refusal
from tests.support.backends import on_asyncio
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]
Logs = pytest.LogCaptureFixture


async def home(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("home")


def stand_alone(io: Server) -> tuple[Any, list[str]]:
    return io, ["/socket.io/", "/socket.io"]


def starlette_mount(io: Server) -> tuple[Any, list[str]]:
    app = Starlette(lifespan=io.lifespan)
    app.mount("/live", io)
    return app, ["/live/", "/live/socket.io/", "/live/socket.io"]


def fastapi_mount(io: Server) -> tuple[Any, list[str]]:
    app = FastAPI(lifespan=io.lifespan)
    app.mount("/socket.io", io)
    return app, ["/socket.io/"]


def mount_of_the_root(io: Server) -> tuple[Any, list[str]]:
    app = Starlette(routes=[Route("/", home)], lifespan=io.lifespan)
    app.mount("/", io)
    return app, ["/socket.io/", "/socket.io"]


def nested_mounts(io: Server) -> tuple[Any, list[str]]:
    inner = FastAPI()
    inner.mount("/v1", Starlette(routes=[Mount("/live/", io)]))
    app = Starlette(lifespan=io.lifespan)
    app.mount("/api", inner)
    return app, ["/api/v1/live/"]


def mount_with_a_parameter(io: Server) -> tuple[Any, list[str]]:
    app = Starlette(routes=[SocketIOMount("/{tenant}/live", io)], lifespan=io.lifespan)
    return app, ["/acme/live/", "/acme/live"]


def starlette_helper(io: Server) -> tuple[Any, list[str]]:
    app = Starlette()
    mount(app, "/live", io)
    return app, ["/live/", "/live"]


def fastapi_helper(io: Server) -> tuple[Any, list[str]]:
    app = FastAPI()
    fastapi_integration.mount(app, "/socket.io", io)
    return app, ["/socket.io/", "/socket.io"]


def wrapped(io: Server) -> tuple[Any, list[str]]:
    return SocketIOMiddleware(FastAPI(), io), ["/socket.io/", "/socket.io"]


def added_as_middleware(io: Server) -> tuple[Any, list[str]]:
    app = FastAPI()
    app.add_middleware(SocketIOMiddleware, server=io)
    return app, ["/socket.io/", "/socket.io"]


def wrapped_below_a_mount(io: Server) -> tuple[Any, list[str]]:
    app = Starlette(lifespan=io.lifespan)
    app.mount("/api", SocketIOMiddleware(FastAPI(), io))
    return app, ["/api/socket.io/", "/api/socket.io"]


WAYS = [
    stand_alone,
    starlette_mount,
    fastapi_mount,
    mount_of_the_root,
    nested_mounts,
    mount_with_a_parameter,
    starlette_helper,
    fastapi_helper,
    wrapped,
    added_as_middleware,
    wrapped_below_a_mount,
]


@pytest.mark.parametrize("way", WAYS)
async def test_where_clients_connect(
    serving: Serving, way: Callable[[Server], tuple[Any, list[str]]]
) -> None:
    app, paths = way(Server())
    served = await serving(app)
    for path in paths:
        await check_both_transports(served.url, path)


@pytest.mark.parametrize("way", [stand_alone, starlette_mount, fastapi_helper, wrapped])
@on_asyncio
async def test_behind_a_proxy_that_strips_its_prefix(
    serving: Serving, way: Callable[[Server], tuple[Any, list[str]]]
) -> None:
    app, paths = way(Server())
    served = await serving(app, root_path="/proxy")  # uvicorn puts it in front of the path
    for path in paths:
        await check_both_transports(served.url, path)


@pytest.mark.parametrize("way", [stand_alone, starlette_mount, fastapi_helper, wrapped])
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_a_root_path_that_is_not_in_the_path(
    serving: Serving, way: Callable[[Server], tuple[Any, list[str]]]
) -> None:
    app, paths = way(Server())
    served = await serving(app, root_path="/proxy")  # hypercorn only passes it on
    for path in paths:
        await check_both_transports(served.url, path)


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
@pytest.mark.parametrize("prefix", ["", "/proxy"])
async def test_a_root_path_of_fastapi(serving: Serving, prefix: str) -> None:
    io = Server()
    app = FastAPI(root_path="/proxy", lifespan=io.lifespan)
    app.mount("/live", io)
    served = await serving(app)
    await check_both_transports(served.url, prefix + "/live/")


def stand_alone_with_the_prefix(io: Server) -> tuple[Any, list[str]]:
    return Server(path="/proxy/socket.io"), ["/socket.io/", "/socket.io"]


def mount_of_the_root_with_the_prefix(io: Server) -> tuple[Any, list[str]]:
    app = Starlette(routes=[Mount("/", Server(path="/proxy/socket.io"))])
    return app, ["/socket.io/"]


@pytest.mark.parametrize(
    "way",
    [
        stand_alone,
        wrapped,
        mount_of_the_root,
        stand_alone_with_the_prefix,
        mount_of_the_root_with_the_prefix,
    ],
)
@pytest.mark.parametrize("stripped", [True, False])
@on_asyncio
async def test_a_root_path_that_is_in_the_path_twice(
    serving: Serving, way: Callable[[Server], tuple[Any, list[str]]], stripped: bool
) -> None:
    """No proxy has stripped it, or the path of the server has it as well."""
    app, paths = way(Server())
    served = await serving(app, root_path="/proxy")
    for path in paths:
        await check_both_transports(served.url, path if stripped else "/proxy" + path)


async def test_the_path_option(serving: Serving) -> None:
    served = await serving(Server(path="/live/"))
    await check_both_transports(served.url, "/live/")
    assert (await get(served.url + "/socket.io/", query=ENGINE)).status_code == 404


async def test_wrong_paths_stand_alone(serving: Serving, caplog: Logs) -> None:
    served = await serving(Server(path="/live", add_trailing_slash=False))
    await check_diagnostic(served.url, "/socket.io/", "/live", caplog)
    assert (await get(served.url + "/elsewhere")).text == "Not Found"
    assert (await get(served.url + "/livestock", query=ENGINE)).status_code == 404


@on_asyncio
async def test_wrong_paths_behind_a_proxy(serving: Serving, caplog: Logs) -> None:
    served = await serving(Server(), root_path="/proxy")
    await check_diagnostic(served.url, "/live/", "/proxy/socket.io/", caplog)


async def test_wrong_paths_below_a_mount(serving: Serving, caplog: Logs) -> None:
    io = Server()
    app = Starlette(routes=[Route("/", home), Mount("/live", io)], lifespan=io.lifespan)
    served = await serving(app)
    await check_diagnostic(served.url, "/live/elsewhere/", "/live/", caplog)
    caplog.clear()
    assert (await get(served.url + "/elsewhere/", query=ENGINE)).text == "Not Found"
    assert messages(caplog) == []


async def test_wrong_paths_of_a_mounted_root(serving: Serving, caplog: Logs) -> None:
    io = Server()
    app = Starlette(routes=[Mount("/", io)], lifespan=io.lifespan)
    served = await serving(app)
    await check_diagnostic(served.url, "/live/", "/socket.io/", caplog)


async def test_wrong_paths_of_a_wrapped_application(serving: Serving, caplog: Logs) -> None:
    async def not_found(_request: Request, _error: Exception) -> PlainTextResponse:
        return PlainTextResponse("my own 404", 404)

    inner = Starlette(routes=[Route("/", home)], exception_handlers={404: not_found})
    served = await serving(SocketIOMiddleware(inner, Server()))
    await check_diagnostic(served.url, "/live/", "/socket.io/", caplog)
    caplog.clear()
    assert (await get(served.url + "/elsewhere/")).text == "my own 404"
    assert (await get(served.url, query=ENGINE)).text == "home"
    assert messages(caplog) == []


async def test_wrong_paths_of_a_wrapped_application_below_a_mount(
    serving: Serving, caplog: Logs
) -> None:
    io = Server()
    app = Starlette(lifespan=io.lifespan)
    app.mount("/api", SocketIOMiddleware(Starlette(), io))
    served = await serving(app)
    await check_diagnostic(served.url, "/api/live/", "/api/socket.io/", caplog)


async def check_diagnostic(url: str, path: str, expected: str, caplog: Logs) -> None:
    """Both transports are told the same, once in the response and once in the log; and rightly."""
    with caplog.at_level(logging.WARNING, logger="socketio_asgi"):
        response = await get(url + path, query=ENGINE)
        rejected = await refusal(url, path)
    answers = [(response.status_code, response.text), (rejected.status, rejected.body.decode())]
    for status, text in answers:
        assert status == 404
        assert f"it is at {expected!r}" in text
    assert messages(caplog) == [text for _, text in answers]
    await check_both_transports(url, expected)


def messages(caplog: Logs) -> list[str]:
    """What the package logged, without the ASGI server's lines."""
    return [
        record.getMessage() for record in caplog.records if record.name.startswith("socketio_asgi")
    ]
