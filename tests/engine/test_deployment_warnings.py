"""The warnings about a deployment: they come for their cause, once, and for nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from secrets import token_hex

import pytest

from socketio_asgi.engine import deployment_warnings
from tests.support.clients import PollingClient, WebSocketRejected, connect_websocket, engine_url

from .support import EngineApp, StartEngine

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}


class Clock:
    """The time of a test, which it moves itself."""

    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let a test move the time that the warnings see."""
    clock = Clock()
    original = deployment_warnings.DeploymentWarnings.__init__

    def initialize(self: deployment_warnings.DeploymentWarnings, _clock: object) -> None:
        original(self, lambda: clock.now)

    monkeypatch.setattr(deployment_warnings.DeploymentWarnings, "__init__", initialize)
    return clock


class Warnings:
    """What was warned of."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def about(self, word: str) -> int:
        return sum(
            word in record.getMessage()
            for record in self._caplog.records
            if record.levelno == logging.WARNING and record.name == "socketio_asgi.engine"
        )

    @property
    def upgrades(self) -> int:
        return self.about("proxy_set_header Upgrade $http_upgrade;")

    @property
    def strays(self) -> int:
        return self.about("load balancer")


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[Warnings]:
    with caplog.at_level(logging.WARNING, logger="socketio_asgi"):
        yield Warnings(caplog)


# -- a proxy that drops Upgrade --------------------------------------------------------------


async def ask_for_websocket(app: EngineApp, headers: dict[str, str], sid: str = "") -> int:
    async with PollingClient(app.url) as client:
        query = {"transport": "websocket", **({"sid": sid} if sid else {})}
        return (await client.request("GET", query=query, headers=headers)).status_code


async def test_a_dropped_upgrade(start_engine: StartEngine, warnings: Warnings) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        sid = client.sid or ""
        assert await ask_for_websocket(app, KEY, sid) == 400
        assert warnings.upgrades == 1
        assert await ask_for_websocket(app, KEY, sid) == 400
        assert await ask_for_websocket(app, KEY) == 400
        assert await ask_for_websocket(app, KEY, "unknown") == 400
        assert warnings.upgrades == 1


@pytest.mark.parametrize("sid", ["", "unknown"])
async def test_a_dropped_upgrade_of_a_client_without_a_session(
    start_engine: StartEngine, warnings: Warnings, sid: str
) -> None:
    app = await start_engine()
    assert await ask_for_websocket(app, KEY, sid) == 400
    assert warnings.upgrades == 1


async def test_no_dropped_upgrade(start_engine: StartEngine, warnings: Warnings) -> None:
    app = await start_engine()
    await ask_for_websocket(app, {})  # a scanner
    async with PollingClient(app.url) as client:
        await client.open()
        await ask_for_websocket(app, {}, client.sid or "")
        await client.request("PUT", headers=KEY)
        await client.request("POST", content="1", headers=KEY)  # odd, and no WebSocket
    with pytest.raises(WebSocketRejected):
        async with connect_websocket(engine_url(app.url, EIO="4", transport="polling")):
            pass
    assert warnings.upgrades == 0


# -- several processes without stickiness ----------------------------------------------------


async def send_first_message(app: EngineApp, body: str = "40", sid: str | None = None) -> None:
    """The message of a client whose session another process has."""
    async with PollingClient(app.url) as client:
        client.sid = sid or token_hex(10)
        assert (await client.request("POST", content=body)).json()["code"] == 1


async def upgrade_elsewhere(app: EngineApp) -> None:
    """The upgrade of a client whose session another process has."""
    url = engine_url(app.url, EIO="4", transport="websocket", sid=token_hex(10))
    with pytest.raises(WebSocketRejected):
        async with connect_websocket(url):
            pass


async def open_session(app: EngineApp) -> str:
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("1")
        return client.sid or ""


CONNECTS = ["40", '40{"token":"secret"}', "40/admin,", "40\x1e40/admin,"]


@pytest.mark.parametrize("body", CONNECTS)
async def test_first_messages_that_stray(
    start_engine: StartEngine, warnings: Warnings, clock: Clock, body: str
) -> None:
    app = await start_engine()
    for _ in range(3):
        assert warnings.strays == 0
        await open_session(app)
        await send_first_message(app, body)
        clock.now += 6
    assert warnings.strays == 1
    assert warnings.about("3 requests for sessions that another process had just opened") == 1
    for _ in range(5):
        await send_first_message(app, body)
        clock.now += 6
    assert warnings.strays == 1


async def test_upgrades_that_stray(
    start_engine: StartEngine, warnings: Warnings, clock: Clock
) -> None:
    app = await start_engine()
    for _ in range(3):
        assert warnings.strays == 0
        await upgrade_elsewhere(app)
        clock.now += 6
    assert warnings.strays == 1


async def test_clients_that_come_back_after_a_restart(
    start_engine: StartEngine, warnings: Warnings, clock: Clock
) -> None:
    """A hundred at once, also such as had just connected."""
    app = await start_engine()
    for number in range(100):
        await send_first_message(app)
        clock.now += 0.05
        if number % 10 == 0:
            await upgrade_elsewhere(app)
    assert warnings.strays == 0


async def test_clients_that_slept(
    start_engine: StartEngine, warnings: Warnings, clock: Clock
) -> None:
    app = await start_engine()
    for _ in range(10):
        async with PollingClient(app.url) as client:
            client.sid = token_hex(10)
            assert (await client.request("GET")).json()["code"] == 1
            assert (await client.request("POST", content='42["late"]')).json()["code"] == 1
            assert (await client.request("POST", content="3")).json()["code"] == 1
            assert (await client.request("POST", content="")).json()["code"] == 1
        clock.now += 6
    assert warnings.strays == 0


async def test_sessions_that_were_closed_here(
    start_engine: StartEngine, warnings: Warnings, clock: Clock
) -> None:
    app = await start_engine()
    for _ in range(10):
        await send_first_message(app, sid=await open_session(app))
        clock.now += 6
    assert warnings.strays == 0


async def test_a_deployment_that_replaces_processes_under_load(
    start_engine: StartEngine, warnings: Warnings, clock: Clock
) -> None:
    app = await start_engine()
    for _ in range(4):
        await send_first_message(app)
        for _ in range(8):
            await open_session(app)
        clock.now += 12
    assert warnings.strays == 0


async def test_accidents_over_days(
    start_engine: StartEngine, warnings: Warnings, clock: Clock
) -> None:
    app = await start_engine()
    for _ in range(10):
        await send_first_message(app)
        clock.now += 3600
    assert warnings.strays == 0


def test_what_is_remembered_is_bounded(anyio_backend: str) -> None:
    warnings = deployment_warnings.DeploymentWarnings(lambda: 0.0)
    for number in range(1000):
        warnings.session_opened(str(number))
    assert list(warnings._issued) == [str(number) for number in range(744, 1000)]
