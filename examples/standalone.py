"""A chat room as a stand-alone application.

uvicorn examples.standalone:io
"""

from socketio_asgi import Server, Socket

io = Server()


@io.on("connection")
async def connected(socket: Socket) -> None:
    await socket.broadcast.emit("joined", socket.id)


@io.on("chat message")
async def chat(socket: Socket, text: str) -> str:
    await socket.broadcast.emit("chat message", text)
    return "delivered"


@io.on("disconnect")
async def disconnected(socket: Socket) -> None:
    await socket.broadcast.emit("left", socket.id)
