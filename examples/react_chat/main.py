"""A chat whose page is made with React.

npm ci && npm run build && socketio-asgi run main:app
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from socketio_asgi import Event, Server, Socket
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("dist")


@dataclass
class Message:
    id: str  # made by the client that sends it
    author: str
    text: str


messages: deque[Message] = deque(maxlen=100)
history = Event(
    "history", list[Message], description="The latest messages, for a client that comes."
)
said = Event("said", Message, description="A new message, for all.")

io = Server()
io.emits(history, said)


@io.on("connection")
async def connected(socket: Socket) -> None:
    await socket.emit(history, list(messages))


@io.on("say")
async def say(message: Message) -> None:
    """Say something to all.

    A client that has lost its connection before the acknowledgement came sends the message again,
    with the id that it had.
    """
    if all(known.id != message.id for known in messages):
        messages.append(message)
        await io.emit(said, message)


app = Starlette(routes=[Mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False))])
mount(app, "/socket.io", io)
