"""Fixtures of all tests; what they do is documented in :mod:`tests.support`."""

from __future__ import annotations

import gc
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import anyio
import pytest
from anyio.abc import TaskStatus

from socketio_asgi.runtime import log_limit
from tests.support.backends import (
    ALL_BACKENDS,
    parametrize_backend,
    remember_test,
    require_backend,
)
from tests.support.deadlines import ends_in_time
from tests.support.node import CHROMIUM_NAMES, install_node_modules
from tests.support.processes import SERVER_NAMES, ServerProcess
from tests.support.requirements import require_command
from tests.support.serving import Served, serve, unwrapped

pytest_plugins = ["tests.support.groups", "tests.support.shares", "tests.support.reruns"]


class StartServer(Protocol):
    """``start_server(name, app, options=, env=, app_dir=, ready_path=)``."""

    def __call__(self, name: str, app: str, **settings: Any) -> ServerProcess: ...


class StartAnyServer(Protocol):
    """``any_server(app, options=, env=, app_dir=, ready_path=)``."""

    name: str

    def __call__(self, app: str, **settings: Any) -> ServerProcess: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-golden",
        action="store_true",
        help="write the files that contracts are compared with",
    )
    parser.addoption(
        ALL_BACKENDS, action="store_true", help="run each async test that can run on trio there too"
    )


def pytest_configure() -> None:
    """Let the garbage collector rest while tests are collected: next to nothing is garbage then."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep thousands of tests out of the way of the garbage collector, which many tests call."""
    # Its plugin imports it at the end in any case, and then it looks for references to objects of
    # others, which are out of sight from here on.
    importlib.import_module("hypothesis")
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the event loops of a test."""
    parametrize_backend(metafunc)


@pytest.fixture
def anyio_backend(each_backend: Any) -> Any:
    """Run an async test on the event loops of :mod:`tests.support.backends`.

    On one of them only: ``@pytest.mark.parametrize("anyio_backend", ["asyncio"])``.
    """
    require_backend(each_backend)
    return each_backend


@pytest.fixture(autouse=True)
def fresh_log_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a test from using up the lines of the log that another one expects."""
    limits = log_limit.limit_lines(logging.getLogger("socketio_asgi"), log_limit.LOGGED_OF_ALL)
    monkeypatch.setattr(log_limit, "_faults", limits)


@pytest.fixture
def fast_path() -> None:
    """Run a test on the fast path as well, because it serves something."""


@pytest.fixture
def thorough(pytestconfig: pytest.Config) -> bool:
    """Tell a test that repeats something, for what happens seldom, to do so very often.

    It is true with the option for all event loops, that is with ``make test-full``.
    """
    return bool(pytestconfig.getoption(ALL_BACKENDS))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let ``serve()`` know for which test it is called."""
    remember_test(item)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let an async test that hangs end by itself, early enough for its fixtures to end too."""
    ends_in_time(pyfuncitem)
    return (yield)


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
async def serving(
    fast_path: None, anyio_backend: Any
) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Serve application objects in the test's own event loop until the test ends.

    >>> async def test_it(serving):
    ...     served = await serving(io)
    ...     async with PollingClient(served.url) as client: ...
    """
    # In tasks of their own: what a server opens here would else be closed in another order.
    ended = anyio.Event()

    async def run(app: Any, options: dict[str, Any], *, task_status: TaskStatus[Served]) -> None:
        async with serve(app, **options) as served:
            task_status.started(served)
            await ended.wait()

    async def start(app: Any, **options: Any) -> Served:
        served: Served = await tasks.start(run, app, options)
        return served

    with unwrapped():
        async with anyio.create_task_group() as tasks:
            yield start
            ended.set()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Need Node and the npm packages of ``tests/interop``; returns their folder."""
    return install_node_modules()


@pytest.fixture(scope="session")
def chromium(node_modules: Path) -> str:
    """Need Chromium as well; returns its path."""
    return require_command(*CHROMIUM_NAMES)
