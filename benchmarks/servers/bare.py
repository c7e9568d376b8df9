"""The same traffic as the other servers, with no Socket.IO logic: what ASGI alone costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

OPEN = '0{"sid":"%s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECTED = '40{"sid":"x"}'
ECHO = '421["echo",'
BINARY_ECHO = "451-1["
BROADCAST = '42["broadcast",'
STORM = '42["storm",'

ids = count(1)
sends: set[Send] = set()
polls: dict[str, asyncio.Queue[str]] = {}


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await websocket(receive, send)
    elif scope["type"] == "http":
        await polling(scope, receive, send)
    else:
        await lifespan(receive, send)


async def lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": OPEN % next(ids)})
    await receive()
    await send({"type": "websocket.send", "text": CONNECTED})
    sends.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            await handle(message["text"], receive, send)
    finally:
        sends.discard(send)


async def handle(text: str, receive: Receive, send: Send) -> None:
    if text.startswith(ECHO):
        await send({"type": "websocket.send", "text": "431[" + text[len(ECHO) :]})
    elif text.startswith(BROADCAST):
        news = {"type": "websocket.send", "text": '42["news",' + text[len(BROADCAST) :]}
        for each in list(sends):
            await each(news)
    elif text.startswith(BINARY_ECHO):
        attachment = (await receive())["bytes"]
        await send({"type": "websocket.send", "text": '461-1[{"_placeholder":true,"num":0}]'})
        await send({"type": "websocket.send", "bytes": attachment})
    elif text.startswith(STORM):
        times, _, data = text[len(STORM) :].partition(",")
        news = {"type": "websocket.send", "text": '42["news",' + data}
        for _ in range(int(times)):
            await send(news)


async def polling(scope: Message, receive: Receive, send: Send) -> None:
    _, _, sid = scope["query_string"].decode().partition("&sid=")
    if not sid:
        sid = str(next(ids))
        polls[sid] = asyncio.Queue()
        await answer(send, OPEN % sid)
    elif scope["method"] == "POST":
        body: str = (await receive())["body"].decode()
        polls[sid].put_nowait("431[" + body[len(ECHO) :] if body.startswith(ECHO) else CONNECTED)
        await answer(send, "ok")
    else:
        await answer(send, await polls[sid].get())


async def answer(send: Send, text: str) -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=UTF-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
