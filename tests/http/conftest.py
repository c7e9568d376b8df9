"""Each test runs on uvicorn's own HTTP class and on ours, on both event loops and parsers.

A test that takes ``serve_http`` runs on both classes, and the stock one tells what is right. What
only our class does is marked with ``ours_only``.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.backends import LOOPS
from tests.support.certificates import make_certificate

from .support import (
    OURS,
    STOCK,
    Declining,
    HTTPClass,
    OursKeeping,
    ServeHTTP,
    Serving,
    http_only,
)

certificate = pytest.fixture(scope="module")(make_certificate)


@pytest.fixture(params=LOOPS)
def loop_name(request: pytest.FixtureRequest) -> str:
    """An event loop with a parser."""
    name: str = request.param
    return name


@pytest.fixture
def anyio_backend(loop_name: str) -> Any:
    """Run each test on asyncio's own event loop and on uvloop."""
    return LOOPS[loop_name][0]


@pytest.fixture
def parser(loop_name: str) -> str:
    """The name of what parses requests."""
    return LOOPS[loop_name][1]


@pytest.fixture(params=["stock", "ours", "keeping"])
def which(request: pytest.FixtureRequest, parser: str) -> str:
    """The class that serves: uvicorn's, ours, or ours where an application may ask for requests."""
    name: str = request.param
    if name == "keeping" and parser == "h11":
        pytest.skip("with h11 there is no such class")
    return name


@pytest.fixture
def ours(which: str) -> bool:
    """True when our class serves."""
    return which != "stock"


@pytest.fixture
def http(parser: str, which: str) -> HTTPClass:
    """The class that serves HTTP."""
    return OursKeeping if which == "keeping" else (OURS if which == "ours" else STOCK)[parser]


@pytest.fixture
def serve_http(serving: Serving, http: HTTPClass, which: str) -> ServeHTTP:
    """Serve an application of one endpoint until the test ends."""

    async def start(script: Any, **options: Any) -> Any:
        app = http_only(script)
        if which == "keeping":
            app = Declining(app)
        return await serving(app, http=http, **PLAIN | options)

    return start


PLAIN: dict[str, Any] = {"ws": "websockets-sansio", "date_header": False, "server_header": False}
"""Options with which equal responses have equal bytes."""
