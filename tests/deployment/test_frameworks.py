"""Litestar and Channels, which strip the prefix of a mount without a word in ``root_path``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from socketio_asgi import Server
from tests.asgi.clients import check_both_transports, get
from tests.asgi.test_paths import check_diagnostic
from tests.conftest import StartServer
from tests.support.requirements import require_module
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


@pytest.fixture(scope="module", autouse=True)
def frameworks() -> Any:
    """The applications, where the frameworks are installed."""
    require_module("channels")
    require_module("litestar")
    from tests.deployment import frameworks

    return frameworks


@pytest.mark.parametrize("root_path", ["", "/proxy"])
@pytest.mark.parametrize(
    ("mount_path", "paths"),
    [
        ("/socket.io", ["/socket.io/", "/socket.io"]),
        ("/api/live", ["/api/live/", "/api/live", "/api/live/socket.io/"]),
    ],
)
async def test_litestar(
    serving: Serving, frameworks: Any, mount_path: str, paths: list[str], root_path: str
) -> None:
    served = await serving(frameworks.litestar(mount_path, Server()), root_path=root_path)
    for path in paths:
        await check_both_transports(served.url, path)
    assert (await get(served.url)).text == "Litestar"


async def test_wrong_paths_in_litestar(
    serving: Serving, frameworks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serving(frameworks.litestar("/live", Server()))
    await check_diagnostic(served.url, "/live/elsewhere/", "/live/", caplog)
    assert "no Socket.IO endpoint at '/live/elsewhere/'" in caplog.text


async def test_around_litestar(serving: Serving, frameworks: Any) -> None:
    served = await serving(frameworks.wrapped_litestar(Server()))
    await check_both_transports(served.url, "/socket.io/")
    assert (await get(served.url)).text == "Litestar"


def routes_of_channels() -> dict[str, tuple[Any, list[str]]]:
    from django import urls

    path: Any = urls.path  # which is for views, and so are its types
    re_path: Any = urls.re_path
    return {
        "the default path": (path("socket.io/", Server()), ["/socket.io/"]),
        "another path": (path("api/live/", Server()), ["/api/live/"]),
        "a prefix": (re_path(r"^live/", Server()), ["/live/", "/live/socket.io/"]),
        "everything": (re_path(r"^", Server(path="/live")), ["/live/", "/live"]),
    }


@pytest.mark.parametrize("root_path", ["", "/proxy"])
@pytest.mark.parametrize("name", ["the default path", "another path", "a prefix", "everything"])
async def test_channels(serving: Serving, frameworks: Any, name: str, root_path: str) -> None:
    route, paths = routes_of_channels()[name]
    served = await serving(frameworks.channels(route), root_path=root_path)
    for path in paths:
        await check_both_transports(served.url, path)


async def test_wrong_paths_in_channels(
    serving: Serving, frameworks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    route, _ = routes_of_channels()["a prefix"]
    served = await serving(frameworks.channels(route))
    await check_diagnostic(served.url, "/live/elsewhere/", "/live/", caplog)


async def test_channels_with_django_below_daphne(start_server: StartServer) -> None:
    server = start_server("daphne", "tests.deployment.frameworks:daphne_app")
    await check_both_transports(server.url, "/live/")
    assert (await get(server.url)).text == "Django"
