"""A server in front of a FastAPI application, whose routes send events.

uvicorn examples.fastapi_wrap:app    (POST /announce/TEXT reaches all clients)
"""

from fastapi import FastAPI

from socketio_asgi import Server, SocketIOMiddleware

io = Server()
app = FastAPI()
app.add_middleware(SocketIOMiddleware, server=io)


@app.post("/announce/{text}")
async def announce(text: str) -> int:
    await io.emit("announcement", text)
    return io.engine.clients_count
