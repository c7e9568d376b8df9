"""Async tests that hang."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from tests.support.clients import connect_websocket
from tests.support.deadlines import EARLIER
from tests.support.echo import EchoApp
from tests.support.serving import Served

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]

hangs = pytest.mark.xfail(raises=TimeoutError, strict=True)


@hangs
@pytest.mark.timeout(EARLIER + 0.1)
async def test_one_that_waits_for_ever() -> None:
    await anyio.sleep_forever()


@hangs
@pytest.mark.timeout(EARLIER + 0.5)
async def test_its_fixtures_and_clients_end(serving: Serving) -> None:
    served = await serving(EchoApp())
    async with connect_websocket(served.ws_url + "/ws") as ws:
        await ws.receive()
