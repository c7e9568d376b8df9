"""The pages on FastAPI and on authentication do what they say."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from tests.docs.snippets import ROOT, run_blocks
from tests.support.backends import on_asyncio
from tests.support.peer import TRANSPORTS, join_peer, open_peer

from .fastapi_support import Serving

transports = pytest.mark.parametrize("transport", TRANSPORTS)


@transports
async def test_fastapi(serving: Serving, transport: str) -> None:
    names = run_blocks(ROOT / "docs" / "frameworks" / "fastapi.md")
    io, app = names["io"], names["app"]
    served = await serving(app)
    headers = {"Authorization": "Bearer secret"}
    query = {"limit": "3"}
    async with join_peer(served.url, transport, query=query, headers=headers) as peer:
        # The page ends with an override.
        assert await peer.request("whoami") == ["a user for tests"]
        app.dependency_overrides.clear()
        assert await peer.request("whoami") == ["alice"]
        assert await peer.request("list", "lobby") == [["lobby", 3, "a session"]]
        await peer.join("/admin")
        assert await peer.request("restart", namespace="/admin") == ["restarted"]
        app.dependency_overrides[names["get_user"]] = lambda: "mallory"
        (answer,) = await peer.request("restart", namespace="/admin")
        assert answer["error"]["code"] == "forbidden"
        app.dependency_overrides.clear()
    async with join_peer(served.url, transport) as peer:
        (answer,) = await peer.request("whoami")
        assert (answer["error"]["code"], answer["error"]["status"]) == ("unauthorized", 401)
        assert (await peer.refused("/admin"))["message"] == "log in first"
    assert io.dependency_overrides == {}


class Page:
    """The page on authentication."""

    def __init__(self) -> None:
        self.names = run_blocks(ROOT / "docs" / "authentication.md")

    def token(self, seconds: float = 60.0, user: str = "alice") -> str:
        claims = {"sub": user, "exp": int(time.time() + seconds)}
        return str(jwt.encode(claims, self.names["SECRET"], algorithm="HS256"))


@transports
async def test_tokens(serving: Serving, transport: str) -> None:
    page = Page()
    served = await serving(page.names["io"])
    for auth in ({}, {"token": "made up"}, {"token": page.token(-5)}):
        async with open_peer(served.url, transport) as peer:
            assert (await peer.refused(auth=auth))["message"] == "unauthorized"
    async with join_peer(served.url, transport, auth={"token": page.token()}) as peer:
        assert await peer.request("whoami") == ["alice"]
        await page.names["log_out"]("alice")
        await peer.ended()


@on_asyncio  # as the timer on the page
async def test_the_end_of_a_token(serving: Serving) -> None:
    page = Page()
    served = await serving(page.names["io"])
    async with join_peer(served.url, auth={"token": page.token(2)}) as peer:
        assert await peer.text() == "1"  # the server has disconnected it


@transports
async def test_tokens_with_each_event(serving: Serving, transport: str) -> None:
    page = Page()
    served = await serving(page.names["api"])
    expired, fresh, of_another = page.token(-5), page.token(), page.token(user="bob")
    async with join_peer(served.url, transport, auth={"token": expired}) as peer:
        (answer,) = await peer.request("whoami")
        assert answer["error"]["code"] == "unauthorized"
        (answer,) = await peer.request("renew", "made up")
        assert answer["error"]["code"] == "unauthorized"
        assert await peer.request("renew", fresh) == []
        assert await peer.request("whoami") == ["alice"]
        (answer,) = await peer.request("renew", of_another)
        assert answer["error"]["message"] == "that is another user"


async def test_sessions(serving: Serving) -> None:
    names: dict[str, Any] = Page().names
    served = await serving(names["app"])
    async with open_peer(served.url) as peer:
        assert await peer.refused() == {"message": "unauthorized"}
