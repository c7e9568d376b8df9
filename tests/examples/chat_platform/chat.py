"""The chat platform of the tests: its servers as processes, its users and their connections."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpx

from socketio_asgi.client import Client
from tests.support.processes import ROOT, ServerProcess

EXAMPLES = ROOT / "examples"
APP = "tests.examples.chat_platform.quick_app:app"
PASSWORD = "correct horse"


class ChatServer(ServerProcess):
    """A server of the platform, on the fast path, without a grace period unless told otherwise."""

    def __init__(self, database_url: str, env: Mapping[str, str] | None = None) -> None:
        settings = {
            "DATABASE_URL": database_url,
            "SESSION_SECRET": "a secret of the tests",
            "DISCONNECTION_GRACE": "0",
            "SIGNUPS_PER_ADDRESS": "1000",
            **(env or {}),
        }
        super().__init__(
            "uvicorn-fast",
            APP,
            app_dir=EXAMPLES,
            env=settings,
            options=["--no-access-log"],
            ready_path="/self",
        )


class User:
    """A user with a browser: cookies, and connections that use them."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.name = name
        self.id = ""
        self.http = httpx.AsyncClient(base_url=url, timeout=30)

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        return await self.http.post(path, json=fields)

    async def sign_up(self) -> Self:
        answer = await self.post("/signup", username=self.name, password=PASSWORD)
        assert answer.status_code == 200, answer.text
        self.id = answer.json()["id"]
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"cookie": f"sid={self.http.cookies['sid']}"}

    def client(self, url: str = "", **options: Any) -> Client:
        """A connection that is not made yet."""
        return Client(url or self.url, headers=self.headers, **options)


class Tab:
    """A connection of a user, which notes what it is told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.heard: list[tuple[str, Any]] = []
        client.on_any(lambda event, *args: self.heard.append((event, args[0] if args else None)))

    async def ask(self, event: str, **payload: Any) -> Any:
        """Emit an event; returns the answer."""
        return await self.client.emit_with_ack(event, payload)

    async def do(self, event: str, **payload: Any) -> Any:
        """Emit an event that succeeds; returns its data."""
        answer = await self.ask(event, **payload)
        assert answer["status"] == "OK", answer
        return answer.get("data")

    def told(self, event: str) -> list[Any]:
        """The values of an event that have come."""
        return [value for name, value in self.heard if name == event]


def some_name(beginning: str = "user") -> str:
    return f"{beginning}-{secrets.token_hex(4)}"


def some_id() -> str:
    return str(uuid.uuid4())


class Visit:
    """Users and tabs of one test, which end with it."""

    def __init__(self, server: ServerProcess, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack

    def stranger(self, name: str = "") -> User:
        """Somebody who has no account yet."""
        user = User(self.server.url, name or some_name())
        self._stack.push_async_callback(user.http.aclose)
        return user

    async def user(self, name: str = "") -> User:
        """Somebody who has signed up."""
        return await self.stranger(name).sign_up()

    async def tab(self, user: User, server: ServerProcess | None = None, **options: Any) -> Tab:
        """A connection of a user, perhaps to another server."""
        client = user.client((server or self.server).url, **options)
        tab = Tab(client)
        await self._stack.enter_async_context(client)
        return tab

    async def both(self) -> tuple[Tab, Tab, User, User]:
        """Two users with a tab each."""
        first, second = await self.user(), await self.user()
        return await self.tab(first), await self.tab(second), first, second


@asynccontextmanager
async def visiting(server: ServerProcess) -> AsyncIterator[Visit]:
    async with AsyncExitStack() as stack:
        yield Visit(server, stack)


async def general(tab: Tab) -> str:
    """The id of the channel that everybody is in."""
    channels = await tab.do("channel:list", size=100)
    return str(next(each["id"] for each in channels if each["name"] == "General"))
