"""A list of things to do, which all pages share: create, read, update, delete.

socketio-asgi run main:app
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from todos import Draft, Todo

from socketio_asgi import Event, EventError, Server, Socket
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("index.html")
ANGULAR = "http://localhost:4200"  # where the official page for Angular is served

todos: dict[str, Todo] = {}  # stands for your database

created = Event("todo:created", Todo)
updated = Event("todo:updated", Todo)
deleted = Event("todo:deleted", str)


class NotFound(EventError):
    code = "not_found"
    message = "entity not found"


def as_response(error: EventError) -> dict[str, Any]:
    """The form of errors that the clients of this application know."""
    if error.code == "validation":
        details = [as_detail(**problem) for problem in error.details]
        return {"error": "invalid payload", "errorDetails": details}
    known = isinstance(error, NotFound)
    return {"error": error.message if known else "an unknown error has occurred"}


def as_detail(loc: list[str | int], type: str, msg: str) -> dict[str, Any]:
    path = loc[1:]  # behind the name of the argument
    if not path:
        type, msg = "object.base", '"value" must be of type object'
    elif type == "missing":
        type, msg = "any.required", f'"{path[0]}" is required'
    return {"message": msg, "path": path, "type": type}


io = Server(error_ack=as_response, cors=ANGULAR)
io.emits(created, updated, deleted)


def find(todo_id: object) -> Todo:
    todo = todos.get(todo_id) if isinstance(todo_id, str) else None
    if todo is None:
        raise NotFound
    return todo


@io.on("todo:create")
async def create(socket: Socket, draft: Draft) -> dict[str, str]:
    todo = Todo(id=str(uuid.uuid4()), title=draft.title, completed=draft.completed)
    todos[todo.id] = todo
    await socket.broadcast.emit(created, todo)
    return {"data": todo.id}


@io.on("todo:read", errors=[NotFound])
async def read(todo_id: object = None) -> dict[str, Todo]:
    return {"data": find(todo_id)}


@io.on("todo:update")
async def update(socket: Socket, todo: Todo) -> None:
    todos[todo.id] = todo
    await socket.broadcast.emit(updated, todo)


@io.on("todo:delete", errors=[NotFound])
async def delete(socket: Socket, todo_id: object = None) -> None:
    todo = find(todo_id)
    del todos[todo.id]
    await socket.broadcast.emit(deleted, todo.id)


@io.on("todo:list")
async def list_all() -> dict[str, list[Todo]]:
    return {"data": list(todos.values())}


async def show_page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


app = Starlette(routes=[Route("/", show_page)])
mount(app, "/socket.io", io)
