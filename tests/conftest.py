"""Fixtures of all tests; what they do is documented in :mod:`tests.support`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.support.node import CHROMIUM_NAMES, install_node_modules
from tests.support.processes import SERVER_NAMES, ServerProcess
from tests.support.requirements import require_command
from tests.support.serving import Served, serve


class StartServer(Protocol):
    """``start_server(name, app, options=, env=, app_dir=, ready_path=)``."""

    def __call__(self, name: str, app: str, **settings: Any) -> ServerProcess: ...


class StartAnyServer(Protocol):
    """``any_server(app, options=, env=, app_dir=, ready_path=)``."""

    name: str

    def __call__(self, app: str, **settings: Any) -> ServerProcess: ...


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run each async test on asyncio and on trio.

    One of them only: ``@pytest.mark.parametrize("anyio_backend", ["asyncio"])``; with uvloop:
    ``[("asyncio", {"use_uvloop": True})]``.
    """
    return request.param


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start real servers as processes, all stopped after the test.

    >>> def test_it(start_server):
    ...     server = start_server("uvicorn", "tests.support.echo:app", options=["--ws", "wsproto"])
    ...     httpx.get(server.url)
    """
    with ExitStack() as stack:

        def start(name: str, app: str, **settings: Any) -> ServerProcess:
            return stack.enter_context(ServerProcess(name, app, **settings))

        yield start


@pytest.fixture(params=SERVER_NAMES)
def server_name(request: pytest.FixtureRequest) -> str:
    """Name of each real server in turn."""
    name: str = request.param
    return name


class _AnyServer:
    def __init__(self, name: str, start: StartServer) -> None:
        self.name = name
        self._start = start

    def __call__(self, app: str, **settings: Any) -> ServerProcess:
        return self._start(self.name, app, **settings)


@pytest.fixture
def any_server(server_name: str, start_server: StartServer) -> StartAnyServer:
    """Run the test once on each real server.

    >>> def test_it(any_server):
    ...     server = any_server("tests.support.echo:app")
    ...     httpx.get(server.url)
    """
    return _AnyServer(server_name, start_server)


@pytest.fixture
async def serving(anyio_backend: Any) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Serve application objects in the test's own event loop until the test ends.

    >>> async def test_it(serving):
    ...     served = await serving(io)
    ...     async with PollingClient(served.url) as client: ...
    """
    async with AsyncExitStack() as stack:

        async def start(app: Any, **options: Any) -> Served:
            return await stack.enter_async_context(serve(app, **options))

        yield start


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Need Node and the npm packages of ``tests/interop``; returns their folder."""
    return install_node_modules()


@pytest.fixture(scope="session")
def chromium(node_modules: Path) -> str:
    """Need Chromium as well; returns its path."""
    return require_command(*CHROMIUM_NAMES)
