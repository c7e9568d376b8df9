"""The server that most scenarios share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ServerProcess

from .support import start_app


@pytest.fixture(scope="session")
def shared_server(node_modules: Path) -> Iterator[ServerProcess]:
    """The application of :mod:`tests.interop.apps`, started once."""
    with start_app(node_modules) as server:
        yield server
