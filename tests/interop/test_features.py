"""The features of the server as the current client sees them, in Node, with each transport.

Each has a module in ``tests/interop/features`` for the server, and a script for the client beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ServerProcess

from .support import run_cases

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture(scope="module")
def server(server_name: str, node_modules: Path) -> Iterator[ServerProcess]:
    """The application of all features."""
    options = ["--log-level", "warning"]
    with ServerProcess(server_name, "tests.interop.features.app:app", options=options) as server:
        yield server


async def test_dynamic_namespaces(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/namespaces.mjs", server.url)


async def test_middlewares(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/middlewares.mjs", server.url)


async def test_listeners(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/listeners.mjs", server.url)


async def test_utilities(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/utilities.mjs", server.url)


async def test_ordering(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/ordering.mjs", server.url)


async def test_acknowledgements(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/acks.mjs", server.url)


async def test_threads(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/threads.mjs", server.url)


async def test_rich_values(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/values.mjs", server.url)


async def test_typed_events(server: ServerProcess, anyio_backend: str) -> None:
    await run_cases("features/typed.mjs", server.url)
