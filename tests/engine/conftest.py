"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.serving import Served

from .support import EngineApp, StartEngine


@pytest.fixture
async def start_engine(serving: Callable[..., Awaitable[Served]]) -> StartEngine:
    """Serve an engine until the test ends.

    >>> app = await start_engine(ping_interval=0.1, wrap=SomeMiddleware)
    """

    async def start(
        *, wrap: Callable[[Any], Any] | None = None, echo: bool = True, **options: Any
    ) -> EngineApp:
        app = EngineApp(echo=echo, **options)
        served = await serving(wrap(app) if wrap else app)
        app.url = served.url
        return app

    return start
