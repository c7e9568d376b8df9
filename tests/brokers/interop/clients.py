"""Official clients, many in one Node process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.waiting import until

from .node import NodeProcess


class Client:
    """An official client.

    Attributes:
        sid: the id of its socket.
        heard: every event that it has got: its name and arguments.
        disconnected: the reasons for the ends of its connections.
        sids: the id that it had at each connection.
        recovered: whether the last connection was a recovered one.
        settle: waits until its server hears what is sent to a room that it has just joined;
            official servers say that it has joined before they do.
    """

    def __init__(self, node: NodeProcess, number: int, sid: str) -> None:
        self._node = node
        self.number = number
        self.sid = sid
        self.heard: list[list[Any]] = []
        self.disconnected: list[str] = []
        self.sids: list[str] = []
        self.recovered = False
        self.settle: Callable[[], Awaitable[object]] | None = None

    async def answer_with(self, *values: Any) -> None:
        """Answer from now on every event that asks for an answer."""
        await self._call("answerWith", values=list(values))

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event to the server."""
        await self._call("emit", event=event, args=list(args))

    async def request(self, event: str, *args: Any) -> Any:
        """Send an event to the server; returns its answer."""
        return await self._call("request", event=event, args=list(args))

    async def join(self, room: str) -> None:
        """Ask the server to be in a room."""
        await self.request("join", room)
        if self.settle is not None:
            await self.settle()

    async def expect(self, event: str) -> list[Any]:
        """Wait for an event; returns its arguments."""
        await until(lambda: self.args_of(event))
        return self.args_of(event)[-1]

    def args_of(self, event: str) -> list[list[Any]]:
        """The arguments of each event of that name."""
        return [args for name, *args in self.heard if name == event]

    async def cut(self) -> None:
        """Lose the connection, as by a fault of the network; it comes back by itself."""
        await self._call("cut")

    async def close(self) -> None:
        """Disconnect."""
        await self._call("close")

    async def _call(self, command: str, **options: Any) -> Any:
        return await self._node.call(command, client=self.number, **options)


class Clients:
    """All the clients of one process; what they report is led to them."""

    def __init__(self) -> None:
        self.node = NodeProcess("clients.mjs")
        self._known: dict[int, Client] = {}
        self.node.listeners = {
            "heard": self._on_heard,
            "connected": self._on_connected,
            "disconnected": self._on_disconnected,
        }

    async def connect(self, url: str, namespace: str = "/", **options: Any) -> Client:
        """Connect a client, which speaks over WebSocket unless the options say otherwise."""
        options = {"transports": ["websocket"], "reconnectionDelay": 20, **options}
        answer = await self.node.call("connect", url=url, namespace=namespace, options=options)
        client = self._client(answer["client"])
        client.sid = answer["sid"]
        return client

    def _client(self, number: int) -> Client:
        return self._known.setdefault(number, Client(self.node, number, ""))

    def _on_heard(self, report: dict[str, Any]) -> None:
        self._client(report["client"]).heard.append([report["event"], *report["args"]])

    def _on_connected(self, report: dict[str, Any]) -> None:
        client = self._client(report["client"])
        client.sid, client.recovered = report["sid"], report["recovered"]
        client.sids.append(report["sid"])

    def _on_disconnected(self, report: dict[str, Any]) -> None:
        self._client(report["client"]).disconnected.append(report["reason"])
