"""The server that most scenarios share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import BOTH_PATHS, ServerProcess

from .support import start_app


@pytest.fixture(scope="session", params=BOTH_PATHS)
def server_name(request: pytest.FixtureRequest) -> str:
    """The clients meet a server that speaks plain ASGI, and one that takes WebSockets over."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def shared_server(server_name: str, node_modules: Path) -> Iterator[ServerProcess]:
    """The application of :mod:`tests.interop.apps`, started once on each server."""
    with start_app(server_name, node_modules) as server:
        yield server
