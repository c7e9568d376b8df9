"""The examples of the pages on routers, declared events and the contract, served and talked to."""

from __future__ import annotations

import httpx

from socketio_asgi import Server
from tests.support.peer import join_peer

from .test_pages import Serving, page


async def test_routers(serving: Serving) -> None:
    io: Server = page("routers")["io"]
    served = await serving(io)
    async with (
        join_peer(served.url, namespace="/chat") as one,
        join_peer(served.url, namespace="/chat") as two,
    ):
        await one.emit("say", "hi")
        assert await two.expect("said") == ["hi"]
    for name in ("/rooms", "/other", "/room-5"):
        async with join_peer(served.url, namespace=name) as peer:
            assert await peer.request("where") == [name]
    async with join_peer(served.url, namespace="/members") as peer:
        (refused,) = await peer.request("read", "rules")
        assert refused["error"]["code"] == "not_allowed"
        (socket,) = io.of("/members").sockets.values()
        socket.data["member"] = True
        assert await peer.request("read", "rules") == ["Be kind."]
        (missing,) = await peer.request("read", "news")
        assert missing["error"]["message"] == "there is no news"
    async with join_peer(served.url, namespace="/admin", auth={"token": "secret"}) as peer:
        assert await peer.request("restart") == ["restarting"]
        assert await peer.refused("/admin") == {"message": "not an admin"}
    async with join_peer(served.url, namespace="/games/lobby") as peer:
        await peer.emit("enter")
        assert await peer.expect("entered") == [peer.id]


async def test_outgoing_events(serving: Serving) -> None:
    names = page("outgoing-events")
    io: Server = names["io"]
    served = await serving(io)
    async with join_peer(served.url) as peer:
        socket = io.sockets.sockets[peer.id]
        await socket.join("readers")
        await peer.emit("publish", "Hello")
        assert await peer.expect("news") == [{"title": "Hello", "tags": ["new"]}]
        await names["invite"](socket)
        assert await peer.expect("invited") == ["lobby"]
        assert await peer.expect("invited") == ["lobby", "Ann"]
        await peer.emit("delete", "a.txt", ack=7)
        assert await peer.answer(True) == ["confirm", "Delete a.txt?"]
        assert await peer.answer(1, "wrong") == ["choose", "Why?", ["old", "wrong"]]
        assert await peer.acknowledgement(ack=7) == ["deleted: wrong"]
        await peer.emit("vote", "Tea?", ack=8)
        await peer.answer("yes")  # no bool
        assert await peer.acknowledgement(ack=8) == [{"yes": 0}]
    assert names["try_it"]() == "the event 'news' cannot be sent: value.title: must be a text"


async def test_the_contract(serving: Serving) -> None:
    names = page("contract")
    io: Server = names["io"]
    assert 'ErrorAck<"internal" | "room_closed">' in io.contract().typescript()
    served = await serving(names["app"])
    async with httpx.AsyncClient(base_url=served.url) as http:
        assert "<h1>Chat <small>1.0.0</small></h1>" in (await http.get("/events/")).text
        typescript = (await http.get("/events/contract.ts")).text
        assert "said: (value: MessageOutput) => void;" in typescript
        assert (await http.get("/events/asyncapi.json")).json() == names["document"]
    async with join_peer(served.url) as peer:
        assert await peer.request("say", {"text": "Hello"}) == [1]
