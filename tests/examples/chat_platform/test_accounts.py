"""Accounts and sessions: the routes, the cookie, the handshake, and the limits of attempts."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.support.processes import ServerProcess
from tests.support.waiting import until

from .chat import PASSWORD, User, Visit, some_name, visiting
from .conftest import StartChat, mainly_on

pytestmark = pytest.mark.timeout(150)  # the first one of a database starts that, and a server


async def test_sign_up(visit: Visit) -> None:
    user = visit.stranger()
    answer = await user.post("/signup", username=user.name, password=PASSWORD)
    assert (answer.status_code, answer.json()["username"]) == (200, user.name)
    assert answer.json() == (await user.http.get("/self")).json()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sid=")
    morsel = SimpleCookie(cookie)["sid"]
    assert (morsel["samesite"], morsel["max-age"], morsel["path"]) == ("lax", "2592000", "/")
    assert (morsel["httponly"], morsel["secure"]) == (True, "")
    tab = await visit.tab(user)
    assert [each["name"] for each in await tab.do("channel:list")] == ["General"]


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "a", "password": PASSWORD},
        {"username": "a" * 33, "password": PASSWORD},
        {"username": "ann", "password": "1234567"},
        {"username": "ann", "password": "x" * 101},
        {"username": "a\0n", "password": PASSWORD},
        {"username": "ann", "password": PASSWORD, "admin": True},
        {"username": ["ann"], "password": PASSWORD},
        {"username": "ann"},
        {},
    ],
)
@mainly_on("sqlite")
async def test_an_invalid_sign_up(visit: Visit, fields: dict[str, Any]) -> None:
    answer = await visit.stranger().post("/signup", **fields)
    assert (answer.status_code, answer.json()["message"]) == (400, "invalid payload")
    assert answer.json()["errors"]
    assert PASSWORD not in answer.text
    assert "set-cookie" not in answer.headers


@mainly_on("sqlite")
async def test_what_is_no_json(visit: Visit) -> None:
    answer = await visit.stranger().http.post("/signup", content=b"{", headers=JSON)
    assert (answer.status_code, answer.json()["message"]) == (400, "invalid payload")


JSON = {"content-type": "application/json"}


async def test_a_name_that_is_taken(visit: Visit) -> None:
    user = await visit.user()
    answer = await visit.stranger().post("/signup", username=user.name, password=PASSWORD)
    assert (answer.status_code, answer.json()) == (400, {"message": "invalid payload"})


async def test_log_in(visit: Visit) -> None:
    user = await visit.user()
    other = visit.stranger(user.name)
    answer = await other.post("/login", username=user.name, password=PASSWORD)
    assert (answer.status_code, answer.json()) == (200, {"id": user.id, "username": user.name})
    assert other.http.cookies["sid"] != user.http.cookies["sid"]
    assert (await user.http.get("/self")).status_code == 200


@pytest.mark.parametrize("password", ["wrong password", "", 5, None, "x" * 101])
@mainly_on("sqlite")
async def test_credentials_that_are_wrong(visit: Visit, password: Any) -> None:
    user = await visit.user()
    for name in (user.name, some_name("nobody")):
        answer = await visit.stranger().post("/login", username=name, password=password)
        assert (answer.status_code, answer.json()) == (400, {"message": "invalid credentials"})
        assert "set-cookie" not in answer.headers


@mainly_on("sqlite")
async def test_nobody(visit: Visit) -> None:
    stranger = visit.stranger()
    for method, path in (("GET", "/self"), ("POST", "/logout")):
        for cookie in (b"", b"sid=1234", b"sid=", "sid=\u00e4".encode()):
            answer = await stranger.http.request(method, path, headers=[(b"cookie", cookie)])
            assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize("cookie", [None, "sid=1234"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
@mainly_on("sqlite")
async def test_a_handshake_without_a_session(
    server: ServerProcess, cookie: str | None, transport: str
) -> None:
    headers = {"cookie": cookie} if cookie else {}
    if transport == "websocket":
        headers |= UPGRADE
    async with httpx.AsyncClient(base_url=server.url) as http:
        path = f"/socket.io/?EIO=4&transport={transport}"
        assert (await http.get(path, headers=headers)).status_code == 401


UPGRADE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def test_log_out_ends_the_connections_of_one_session(visit: Visit) -> None:
    user = await visit.user()
    elsewhere = visit.stranger(user.name)
    await elsewhere.post("/login", username=user.name, password=PASSWORD)
    tabs = [await visit.tab(user), await visit.tab(user, transports=["polling"])]
    other = await visit.tab(elsewhere)
    await other.do("channel:list")
    cookie = user.headers
    assert (await user.post("/logout")).status_code == 204
    await until(lambda: not any(tab.client.connected for tab in tabs))
    assert "sid" not in user.http.cookies
    async with httpx.AsyncClient(base_url=user.url, headers=cookie) as http:
        assert (await http.get("/self")).status_code == 401
        assert (await http.get("/socket.io/?EIO=4&transport=polling")).status_code == 401
    assert await other.do("channel:list")
    assert (await elsewhere.http.get("/self")).status_code == 200


async def test_another_log_in_ends_the_session_of_the_browser(visit: Visit) -> None:
    user = await visit.user()
    tab, old = await visit.tab(user), user.headers
    answer = await user.post("/login", username=user.name, password=PASSWORD)
    assert answer.status_code == 200
    await until(lambda: not tab.client.connected)
    async with httpx.AsyncClient(base_url=user.url, headers=old) as http:
        assert (await http.get("/self")).status_code == 401
    assert (await user.http.get("/self")).status_code == 200


async def test_limits_of_attempts(start_chat: StartChat, database_url: str) -> None:
    server = start_chat(database_url, env={"SIGNUPS_PER_ADDRESS": "3"})
    async with visiting(server) as visit:
        user, other = await visit.user(), await visit.user()
        assert await guess(visit, user) == [400] * 10 + [429]
        # Not even the right one is tried any more, from here.
        assert (await log_in(visit, user)).status_code == 429
        refused = await log_in(visit, user)
        assert refused.json() == {"message": "too many attempts"}
        assert 1 <= int(refused.headers["retry-after"]) <= 300
        assert (await log_in(visit, other)).status_code == 200
        # An attempt to sign up counts, whatever comes of it.
        answer = await visit.stranger().post("/signup", username=user.name, password=PASSWORD)
        assert answer.status_code == 400
        answer = await visit.stranger().post("/signup", username="carol", password=PASSWORD)
        assert answer.status_code == 429


async def guess(visit: Visit, user: User) -> list[int]:
    found = []
    for _ in range(11):
        answer = await visit.stranger().post("/login", username=user.name, password="wrong one")
        found.append(answer.status_code)
    return found


async def log_in(visit: Visit, user: User) -> httpx.Response:
    return await visit.stranger().post("/login", username=user.name, password=PASSWORD)


@mainly_on("sqlite")
async def test_log_ins_that_succeed_are_not_limited(visit: Visit) -> None:
    user = await visit.user()
    for _ in range(11):
        assert (await log_in(visit, user)).status_code == 200


async def test_settings_of_the_cookie_and_of_origins(
    start_chat: StartChat, sqlite_url: str
) -> None:
    origin = "http://localhost:5173"
    server = start_chat(sqlite_url, env={"COOKIE_SECURE": "true", "PAGE_ORIGIN": origin})
    async with visiting(server) as visit:
        user = visit.stranger()
        user.http.headers["origin"] = origin
        answer = await user.post("/signup", username=user.name, password=PASSWORD)
        assert "; Secure" in answer.headers["set-cookie"]
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        token = answer.headers["set-cookie"].split(";")[0]
        for site, status in ((origin, 200), ("http://evil.example", 403)):
            headers = {"cookie": token, "origin": site}
            path = "/socket.io/?EIO=4&transport=polling"
            shaken = await visit.stranger().http.get(path, headers=headers)
            assert shaken.status_code == status
            allowed = shaken.headers.get("access-control-allow-origin")
            assert allowed == (origin if status == 200 else None)
        preflight = await visit.stranger().http.options(
            "/login",
            headers={
                "origin": origin,
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type",
            },
        )
        assert preflight.status_code == 200
