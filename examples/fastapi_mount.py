"""A server under a prefix of a FastAPI application; the handshake has its session.

uvicorn examples.fastapi_mount:app    (log in with POST /login/NAME, then connect)
"""

from fastapi import FastAPI, Request
from starlette.middleware.sessions import SessionMiddleware

from socketio_asgi import ConnectionRefused, Server, Socket
from socketio_asgi.integrations.fastapi import mount

io = Server()
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key="change me")
mount(app, "/socket.io", io)


@app.post("/login/{name}")
async def login(request: Request, name: str) -> str:
    request.session["name"] = name
    return f"hello {name}"


@io.use
async def authenticate(socket: Socket) -> None:
    name = socket.handshake.connection.session.get("name")
    if name is None:
        raise ConnectionRefused("log in first")
    socket.data["name"] = name


@io.on("who am i")
async def who_am_i(socket: Socket) -> str:
    return f"you are {socket.data['name']}"
