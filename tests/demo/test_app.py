"""The chat over the wire: its page, its rules, its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from socketio_asgi.demo.app import MAX_MESSAGE, MAX_NAME, create_app
from tests.support.peer import Peer, join_peer, open_peer
from tests.support.serving import Served

Serving = Callable[..., Awaitable[Served]]


class Person:
    """Somebody in the room."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def expect(self, event: str) -> Any:
        (data,) = await self._peer.expect(event)
        return data

    async def say(self, event: str, *arguments: Any) -> None:
        await self._peer.emit(event, *arguments)

    async def ask(self, event: str, *arguments: Any) -> Any:
        (answer,) = await self._peer.request(event, *arguments)
        return answer


@asynccontextmanager
async def enter(served: Served, name: object) -> AsyncIterator[Person]:
    async with join_peer(served.url, auth={"name": name}) as peer:
        yield Person(peer)


@pytest.fixture
async def served(serving: Serving) -> Served:
    return await serving(create_app())


async def test_a_page_with_the_client_of_the_cdn(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.url) as http:
        page = await http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self' https://cdn.socket.io;" in policy
    assert 'src="https://cdn.socket.io/4.8.3/socket.io.min.js"' in page.text
    assert 'integrity="sha384-' in page.text


async def test_a_page_with_a_local_client(serving: Serving, client_dir: Path) -> None:
    served = await serving(create_app(client_dir))
    async with httpx.AsyncClient(base_url=served.url) as http:
        page = await http.get("/")
        client = await http.get("/socket.io/socket.io.min.js")
    assert "cdn" not in page.headers["content-security-policy"] + page.text
    assert client.content == (client_dir / "socket.io.min.js").read_bytes()


@pytest.mark.parametrize("name", ["chat.js", "view.js", "chat.css", "icon.svg"])
async def test_the_files_of_the_page(served: Served, name: str) -> None:
    async with httpx.AsyncClient(base_url=served.url) as http:
        assert (await http.get(f"/static/{name}")).status_code == 200


async def test_entering_and_leaving(served: Served) -> None:
    async with enter(served, " Ann \n Lee ") as ann:
        assert await ann.expect("welcome") == {"name": "Ann Lee", "online": 1}
        async with enter(served, "Bob") as bob:
            assert await bob.expect("welcome") == {"name": "Bob", "online": 2}
            assert await ann.expect("joined") == {"name": "Bob", "online": 2}
        assert await ann.expect("left") == {"name": "Bob", "online": 1}


async def test_talking(served: Served) -> None:
    async with enter(served, "Ann") as ann, enter(served, "Bob") as bob:
        await ann.expect("welcome")
        await ann.expect("joined")
        await bob.expect("welcome")
        await ann.say("typing")
        assert await bob.expect("typing") == "Ann"
        assert await ann.ask("chat message", "<b>🎉</b>") == {}
        assert await bob.expect("chat message") == {"name": "Ann", "text": "<b>🎉</b>"}


async def test_nobody_shares_a_name(served: Served) -> None:
    async with enter(served, "Ann") as first, enter(served, "Ann") as second:
        await first.expect("welcome")
        assert (await first.expect("joined"))["name"] == "Ann 2"
        await second.expect("welcome")
        assert await second.ask("rename", "Bea") == {"name": "Bea"}
        assert await first.expect("renamed") == {"from": "Ann 2", "to": "Bea"}
        assert await first.ask("rename", "Ann") == {"name": "Ann"}
        assert await first.ask("rename", "Bea") == {"name": "Bea 2"}


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME + 1), 5, None, ["Ann"]])
async def test_names_that_are_refused(served: Served, name: object) -> None:
    async with open_peer(served.url) as peer:
        assert await peer.refused(auth={"name": name}) == {
            "message": "A name has 1 to 24 characters."
        }
    async with enter(served, "Ann") as ann:
        await ann.expect("welcome")
        assert await ann.ask("rename", name) == {"error": "A name has 1 to 24 characters."}


@pytest.mark.parametrize("text", ["", "x" * (MAX_MESSAGE + 1), 5, None, {"text": "hello"}])
async def test_messages_that_are_refused(served: Served, text: object) -> None:
    async with enter(served, "Ann") as ann:
        await ann.expect("welcome")
        assert await ann.ask("chat message", text) == {
            "error": "A message has 1 to 2000 characters."
        }
