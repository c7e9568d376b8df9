"""Fixtures of the tests of connection state recovery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.serving import Served

from .support import App


@pytest.fixture
def start_app(serving: Callable[..., Awaitable[Served]]) -> Callable[..., Awaitable[App]]:
    """Serve an :class:`App` with these recovery options until the test ends."""

    async def start(**recovery: Any) -> App:
        app = App(**recovery)
        app.url = (await serving(app.io)).url
        return app

    return start
