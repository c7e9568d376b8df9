"""Fixtures for pytest; ``pytest_plugins = ["socketio_asgi.testing.fixtures"]`` in ``conftest.py``.

They are no plugin that pytest finds by itself: it would be imported, and the package with it, in
every run of pytest wherever the package is installed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from .clock import Clock
from .connector import Connector


@pytest.fixture
async def socketio_connect() -> AsyncGenerator[Connector]:
    """Connects clients that are disconnected when the test ends.

    The arguments are those of :func:`~socketio_asgi.testing.connect`.

    Example:
        ```python
        async def test_chat(socketio_connect):
            ann = await socketio_connect(app)
            bob = await socketio_connect(app)
        ```
    """
    async with Connector() as connect:
        yield connect


@pytest.fixture
def socketio_clock() -> Clock:
    """A clock that the test moves: ``await socketio_connect(app, clock=socketio_clock)``."""
    return Clock()
