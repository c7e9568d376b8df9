"""The servers that the suite runs against, one process for each module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.support.processes import ServerProcess


class Variant(NamedTuple):
    """A server and the options that choose its parts."""

    server: str
    options: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return "-".join([self.server, *(o for o in self.options if o.islower() and o[0] != "-")])


def uvicorn(ws: str, loop: str, http: str) -> Variant:
    # With "websockets", a ping interval of 0 means without a pause.
    pings = ("--ws-ping-interval", "3600") if ws == "websockets" else ()
    return Variant("uvicorn", ("--ws", ws, "--loop", loop, "--http", http, *pings))


VARIANTS = (
    uvicorn("websockets-sansio", "asyncio", "h11"),
    uvicorn("wsproto", "uvloop", "httptools"),
    uvicorn("websockets", "uvloop", "httptools"),
    Variant("uvicorn-fast", ("--loop", "asyncio", "--http", "h11")),
    Variant("uvicorn-fast", ("--loop", "uvloop", "--http", "httptools")),
    Variant("hypercorn-asyncio"),
    Variant("hypercorn-trio"),
    Variant("granian"),
    Variant("daphne"),
)

TROUBLE = re.compile("Traceback|ERROR|RuntimeWarning|never awaited|killed")
# uvicorn with wsproto says so after each WebSocket that was refused with a response.
HARMLESS = "ASGI callable returned without completing handshake"


@pytest.fixture
def anyio_backend() -> str:
    """The clients of these tests run on asyncio; the servers on what they like."""
    return "asyncio"


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: variant.id)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """Each server in turn, for all tests of a module; none of them may make it log an error."""
    variant: Any = request.param
    process = ServerProcess(variant.server, "tests.asgi_servers.apps:io", options=variant.options)
    with process:
        yield process
    assert trouble(process.output) == []


def trouble(output: str) -> list[str]:
    """The lines of a server's output that tell of an error."""
    lines = output.splitlines()
    return [line for line in lines if TROUBLE.search(line) and HARMLESS not in line]
