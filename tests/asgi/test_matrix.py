"""Every way into an application, below every kind of prefix, with and without a slash.

By default each pair of choices is tried once; with ``--all-backends`` the whole product.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
import sniffio
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.integrations.starlette import SocketIOMount, mount
from tests.support.backends import ALL_BACKENDS
from tests.support.peer import join_peer
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]

# -- the ways into an application: the application, and the path of the server without a slash ----


def stand_alone(io: Server) -> tuple[Any, str]:
    return io, "/socket.io"


def mounted(io: Server) -> tuple[Any, str]:
    app = Starlette(lifespan=io.lifespan)
    app.mount("/live", io)
    return app, "/live/socket.io"  # Starlette redirects from the bare path of a mount


def mounted_by_the_helper(io: Server) -> tuple[Any, str]:
    app = FastAPI()
    mount(app, "/live", io)
    return app, "/live"


def mounted_below_mounts(io: Server) -> tuple[Any, str]:
    inner = Starlette(routes=[Mount("/v1", routes=[SocketIOMount("/live", io)])])
    app = FastAPI(lifespan=io.lifespan)
    app.mount("/api", inner)
    return app, "/api/v1/live"


def wrapped(io: Server) -> tuple[Any, str]:
    return SocketIOMiddleware(FastAPI(), io), "/socket.io"


def wrapped_below_a_mount(io: Server) -> tuple[Any, str]:
    app = Starlette(lifespan=io.lifespan)
    app.mount("/api", SocketIOMiddleware(Starlette(), io))
    return app, "/api/socket.io"


def mounted_in_the_old_way(io: Server) -> tuple[Any, str]:
    """The path has no prefix any more, and ``root_path`` has it: Starlette before 0.33."""

    async def router(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            root = scope.get("root_path", "")
            path = scope["path"].removeprefix(root).removeprefix("/live")
            scope = {**scope, "path": path, "root_path": root + "/live", "app_root_path": root}
        await io(scope, receive, send)

    return router, "/live"


def mounted_without_a_word(io: Server) -> tuple[Any, str]:
    """The path has no prefix any more, and only the raw path has it: Litestar."""

    async def router(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            root = scope.get("root_path", "")
            path = scope["path"].removeprefix(root).removeprefix("/live") or "/"
            scope = {**scope, "path": path}
        await io(scope, receive, send)

    return router, "/live"


WAYS = [
    stand_alone,
    mounted,
    mounted_by_the_helper,
    mounted_below_mounts,
    wrapped,
    wrapped_below_a_mount,
    mounted_in_the_old_way,
    mounted_without_a_word,
]

# -- the prefixes: the application below a proxy, and the options of the ASGI server --------------

PREFIX = "/proxy"


def no_prefix(app: Any) -> tuple[Any, dict[str, Any]]:
    return app, {}


def by_argument(app: Any) -> tuple[Any, dict[str, Any]]:
    """uvicorn puts it in front of the path, and hypercorn, on trio, does not."""
    return app, {"root_path": PREFIX}


def by_header(app: Any) -> tuple[Any, dict[str, Any]]:
    """A middleware of the application believes the proxy, and follows the specification."""
    return behind(app, in_path=True), {}


def by_header_alone(app: Any) -> tuple[Any, dict[str, Any]]:
    """As above, but the path stays as the proxy has sent it."""
    return behind(app, in_path=False), {}


def behind(app: Any, *, in_path: bool) -> Any:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        prefix = dict(scope.get("headers", ())).get(b"x-forwarded-prefix", b"").decode()
        if prefix:
            path = prefix + scope["path"] if in_path else scope["path"]
            scope = {**scope, "root_path": prefix, "path": path}
        await app(scope, receive, send)

    return middleware


PREFIXES = [no_prefix, by_argument, by_header, by_header_alone]

SLASHES = ["/", ""]
TRANSPORTS = ["polling", "websocket"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the whole product, or each pair once."""
    if "slash" not in metafunc.fixturenames:
        return
    cases = []
    for (i, way), (j, prefix) in product(enumerate(WAYS), enumerate(PREFIXES)):
        everything = metafunc.config.getoption(ALL_BACKENDS)
        chosen = (SLASHES[(i + j) % 2], TRANSPORTS[(i // 2 + j // 2) % 2])
        for slash, transport in product(SLASHES, TRANSPORTS) if everything else [chosen]:
            name = "-".join((way.__name__, prefix.__name__, slash or "bare", transport))
            cases.append(pytest.param(way, prefix, slash, transport, id=name))
    metafunc.parametrize(("way", "prefix", "slash", "transport"), cases)


async def test_where_clients_connect(
    serving: Serving,
    way: Callable[[Server], tuple[Any, str]],
    prefix: Callable[[Any], tuple[Any, dict[str, Any]]],
    slash: str,
    transport: Any,
) -> None:
    on_trio = sniffio.current_async_library() == "trio"
    if way is mounted_below_mounts and (
        prefix is by_header_alone or (prefix is by_argument and on_trio)
    ):
        pytest.skip("Starlette's own nested mounts need the prefix in the path")
    inner, path = way(Server())
    app, options = prefix(inner)
    served = await serving(app, **options)
    headers = {} if prefix in (no_prefix, by_argument) else {"X-Forwarded-Prefix": PREFIX}
    async with join_peer(served.url, transport, path=path + slash, headers=headers) as peer:
        await peer.close()


def test_each_pair_is_tried() -> None:
    pairs = {
        (SLASHES[(i + j) % 2], TRANSPORTS[(i // 2 + j // 2) % 2], k, (i, j)[k])
        for i, j in product(range(len(WAYS)), range(len(PREFIXES)))
        for k in (0, 1)
    }
    for k, number in ((0, len(WAYS)), (1, len(PREFIXES))):
        for one in range(number):
            assert {pair[0] for pair in pairs if pair[2:] == (k, one)} == set(SLASHES)
            assert {pair[1] for pair in pairs if pair[2:] == (k, one)} == set(TRANSPORTS)
    assert len({pair[:2] for pair in pairs}) == 4
