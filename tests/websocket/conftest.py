"""Each test runs on uvicorn's own WebSocket class and on ours, on both event loops and parsers.

A test that takes ``setting`` or ``echo`` runs with an application on stock uvicorn, on our class,
and attached to it by the extension; one that takes ``ws`` runs on both classes. What only our class
does is marked with ``ours_only`` or ``our_settings``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.support.backends import LOOPS
from tests.support.serving import Served, serve

from .support import SETTINGS, EchoApp, Setting

Serving = Callable[..., Awaitable[Served]]
ServeEcho = Callable[..., Awaitable[tuple[EchoApp, Served]]]
ServeAndLog = Callable[..., Awaitable[tuple[Served, Callable[[str], list[str]]]]]


@pytest.fixture(scope="module", params=LOOPS)
def loop_name(request: pytest.FixtureRequest) -> str:
    """An event loop with a parser."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def anyio_backend(loop_name: str) -> Any:
    """Run each test on asyncio's own event loop and on uvloop."""
    return LOOPS[loop_name][0]


@pytest.fixture(scope="module")
def http(loop_name: str) -> str:
    """The parser that reads the handshake first."""
    return LOOPS[loop_name][1]


@pytest.fixture(scope="module", params=SETTINGS)
def setting(request: pytest.FixtureRequest) -> Setting:
    """The way in which the application is served."""
    return SETTINGS[request.param]


@pytest.fixture(params=["stock", "plain"])
def ws(request: pytest.FixtureRequest) -> str:
    """The class that serves WebSockets, as ``--ws`` names it."""
    return SETTINGS[request.param].ws


@pytest.fixture(scope="module")
async def lasting_echo(
    anyio_backend: Any, setting: Setting, http: str
) -> AsyncIterator[tuple[EchoApp, Served]]:
    """An application that echoes, for all tests of a module that need no options."""
    app = EchoApp(attached=setting.attached)
    async with serve(app, ws=setting.ws, http=http) as served:
        yield app, served


@pytest.fixture
def echo(
    serving: Serving, lasting_echo: tuple[EchoApp, Served], setting: Setting, http: str
) -> ServeEcho:
    """Serve an application that echoes; returns both."""

    async def start(**options: Any) -> tuple[EchoApp, Served]:
        if not options:
            lasting_echo[0].forget()
            return lasting_echo
        app = EchoApp(attached=setting.attached)
        return app, await serving(app, ws=setting.ws, http=http, **options)

    return start


@pytest.fixture
def serve_and_log(serving: Serving, caplog: pytest.LogCaptureFixture) -> ServeAndLog:
    """Serve an application; returns with it a function that finds lines of the log by a text."""

    def lines(part: str) -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        return [re.sub(r"\d+(?= - )", "PORT", line) for line in messages if part in line]

    async def start(app: Any, **options: Any) -> tuple[Served, Callable[[str], list[str]]]:
        caplog.set_level(logging.INFO, "uvicorn.error")
        served = await serving(app, **{"access_log": True, "log_level": "info", **options})
        caplog.clear()
        return served, lines

    return start
