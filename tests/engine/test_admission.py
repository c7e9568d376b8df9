"""Who may open a session, and under which id."""

from __future__ import annotations

import logging
from http.cookies import SimpleCookie
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi.engine import Cookie, EngineRequest
from socketio_asgi.exceptions import RequestRefused
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
)
from tests.support.waiting import until

from .support import EngineApp, StartEngine


async def open_both(app: EngineApp) -> list[tuple[int, bytes]]:
    """Open a session by each transport; returns status and body."""
    async with PollingClient(app.url) as client:
        response = await client.request("GET")
        answers = [(response.status_code, response.content)]
    try:
        async with connect_websocket(app.ws_url()) as ws:
            answers.append((200, str(await ws.receive()).encode()))
    except WebSocketRejected as rejected:
        answers.append((rejected.status, rejected.body))
    return answers


# -- allow_request -----------------------------------------------------------------------------


def refuse(request: EngineRequest) -> bool:
    return False


async def refuse_later(request: EngineRequest) -> bool:
    await anyio.lowlevel.checkpoint()
    return False


def refuse_with_a_reason(request: EngineRequest) -> None:
    raise RequestRefused("no ticket", status=401)


async def refuse_later_with_a_reason(request: EngineRequest) -> None:
    await anyio.lowlevel.checkpoint()
    raise RequestRefused("no ticket", status=401)


def fail(request: EngineRequest) -> bool:
    raise LookupError("from allow_request")


FORBIDDEN = (403, b'{"code":4,"message":"Forbidden"}')
NO_TICKET = (401, b'{"code":4,"message":"no ticket"}')


@pytest.mark.parametrize(
    ("allow_request", "answer"),
    [
        (refuse, FORBIDDEN),
        (refuse_later, FORBIDDEN),
        (refuse_with_a_reason, NO_TICKET),
        (refuse_later_with_a_reason, NO_TICKET),
        (fail, FORBIDDEN),
    ],
)
async def test_refused(
    start_engine: StartEngine,
    caplog: pytest.LogCaptureFixture,
    allow_request: Any,
    answer: tuple[int, bytes],
) -> None:
    app = await start_engine(allow_request=allow_request)
    assert await open_both(app) == [answer, answer]
    assert app.clients == []
    assert any(record.levelno >= logging.WARNING for record in caplog.records)
    assert ("from allow_request" in caplog.text) == (allow_request is fail)


@pytest.mark.parametrize("result", [0, 1, "", "no", {}, object()])
async def test_no_decision_refuses(
    start_engine: StartEngine, result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start_engine(allow_request=lambda request: result)
    assert await open_both(app) == [FORBIDDEN, FORBIDDEN]
    assert "allow_request returned" in caplog.text


@pytest.mark.parametrize("result", [True, None])
@pytest.mark.parametrize("later", [True, False])
async def test_allowed(start_engine: StartEngine, result: bool | None, later: bool) -> None:
    requests: list[EngineRequest] = []

    def allow(request: EngineRequest) -> bool | None:
        requests.append(request)
        return result

    async def allow_later(request: EngineRequest) -> bool | None:
        return allow(request)

    app = await start_engine(allow_request=allow_later if later else allow)
    async with PollingClient(app.url, headers={"X-Token": "secret"}) as client:
        await client.open()
        await client.post("4hello")
        assert await client.poll() == ["4hello"]
    # Asked once for a session, not for its later requests.
    (request,) = requests
    assert request.connection.headers["x-token"] == "secret"


async def test_bad_requests_are_not_asked_about(start_engine: StartEngine) -> None:
    app = await start_engine(allow_request=fail)
    async with PollingClient(app.url, eio="9") as client:
        assert (await client.request("GET")).json()["code"] == 5


# -- generate_id -------------------------------------------------------------------------------


async def test_own_ids(start_engine: StartEngine) -> None:
    app = await start_engine(generate_id=lambda request: "id-" + request.query["user"])
    async with PollingClient(app.url, query={"user": "7"}) as client:
        assert (await client.open())["sid"] == "id-7"
        await client.post("4hello")
        assert await client.poll() == ["4hello"]


@pytest.mark.runtime
async def test_asynchronous_ids(start_engine: StartEngine) -> None:
    numbers = iter(range(10))

    async def generate_id(request: EngineRequest) -> str:
        await anyio.lowlevel.checkpoint()
        return f"n{next(numbers)}"

    app = await start_engine(generate_id=generate_id)
    async with connect_engine(app.url) as (_, first), connect_engine(app.url) as (_, second):
        assert [first["sid"], second["sid"]] == ["n0", "n1"]


async def test_ids_in_use_are_asked_for_again(start_engine: StartEngine) -> None:
    ids = iter(["a", "a", "", "b", "a", "b", "a", "c"])
    app = await start_engine(generate_id=lambda request: next(ids))
    async with PollingClient(app.url) as one, PollingClient(app.url) as two:
        assert (await one.open())["sid"] == "a"
        assert (await two.open())["sid"] == "b"
        async with PollingClient(app.url) as three:
            response = await three.request("GET")
            assert (response.status_code, response.json()["code"]) == (400, 3)
        await one.post("4still mine")
        assert await one.poll() == ["4still mine"]


async def test_failing_generate_id(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    def generate_id(request: EngineRequest) -> str:
        raise LookupError("from generate_id")

    app = await start_engine(generate_id=generate_id)
    bad_request = (400, b'{"code":3,"message":"Bad request"}')
    assert await open_both(app) == [bad_request, bad_request]
    assert "from generate_id" in caplog.text


@pytest.mark.parametrize(
    "result",
    [5, None, b"bytes", ["list"], object(), "white space", "line\r\nbreak", "\x00", "ünicode"],
)
@pytest.mark.parametrize("later", [False, True])
async def test_what_is_no_id(
    start_engine: StartEngine, result: Any, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def generate_later(request: EngineRequest) -> Any:
        return result

    generate_id = generate_later if later else lambda request: result
    app = await start_engine(generate_id=generate_id, cookie=Cookie())
    bad_request = (400, b'{"code":3,"message":"Bad request"}')
    assert await open_both(app) == [bad_request, bad_request]
    assert "generate_id has to return" in caplog.text
    if isinstance(result, str):  # which may be a secret
        assert repr(result) not in caplog.text


@pytest.mark.runtime
async def test_one_id_for_clients_at_the_same_time(start_engine: StartEngine) -> None:
    app = await start_engine(generate_id=lambda request: "same")
    opened: list[Any] = []
    done = anyio.Event()

    async def connect() -> None:
        try:
            async with connect_engine(app.url) as (_, handshake):
                opened.append(handshake["sid"])
                await done.wait()
        except WebSocketRejected as rejected:
            opened.append(rejected.status)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(connect)
        await until(lambda: len(opened) == 5)
        done.set()
    assert sorted(opened, key=str) == [400] * 4 + ["same"]
    assert len(app.clients) == 1


# -- max_clients -------------------------------------------------------------------------------


async def test_max_clients(start_engine: StartEngine) -> None:
    app = await start_engine(max_clients=2)
    too_many = (503, b'{"code":4,"message":"Too many clients"}')
    async with PollingClient(app.url) as one, connect_engine(app.url):
        await one.open()
        assert app.engine.clients_count == 2
        assert await open_both(app) == [too_many, too_many]
        # Sessions that are open go on, and a place that gets free is given away again.
        await one.post("4hello", "1")
        assert app.clients[-1].messages == ["hello"] or app.clients[0].messages == ["hello"]
        async with connect_engine(app.url):
            assert app.engine.clients_count == 2


@pytest.mark.runtime
async def test_max_clients_at_the_same_time(start_engine: StartEngine) -> None:
    async def allow_later(request: EngineRequest) -> bool:
        await anyio.sleep(0.05)
        return True

    app = await start_engine(max_clients=2, allow_request=allow_later)
    results: list[bool] = []
    done = anyio.Event()

    async def connect() -> None:
        try:
            async with connect_engine(app.url):
                results.append(True)
                await done.wait()
        except WebSocketRejected:
            results.append(False)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(connect)
        await until(lambda: len(results) == 6)
        assert results.count(True) == 2
        done.set()


# -- cookie ------------------------------------------------------------------------------------


async def test_cookie(start_engine: StartEngine) -> None:
    app = await start_engine(cookie=Cookie())
    async with PollingClient(app.url) as client:
        response = await client.request("GET")
        client.sid = app.client.session.id
        assert response.headers["set-cookie"] == f"io={client.sid}; HttpOnly; Path=/; SameSite=Lax"
        await client.post("4hello")
        assert "set-cookie" not in (await client.request("GET")).headers
    async with connect_engine(app.url) as (ws, handshake):
        assert ws.headers["set-cookie"].startswith(f"io={handshake['sid']};")


async def test_cookie_with_all_attributes(start_engine: StartEngine) -> None:
    app = await start_engine(
        cookie=Cookie(
            name="sticky",
            path="/app",
            http_only=False,
            same_site="none",
            secure=True,
            max_age=60,
            domain="example.com",
        ),
        generate_id=lambda request: 'a;b"c',
    )
    async with PollingClient(app.url) as client:
        header = (await client.request("GET")).headers["set-cookie"]
    morsel = SimpleCookie(header)["sticky"]
    assert morsel.value == 'a;b"c'
    assert {name: value for name, value in morsel.items() if value} == {
        "path": "/app",
        "samesite": "None",
        "secure": True,
        "max-age": "60",
        "domain": "example.com",
    }
