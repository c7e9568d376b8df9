"""The example, with routes beside it for what the official tests do to the repository itself.

uvicorn tests.examples.basic_crud.served:app
"""

from __future__ import annotations

import sys

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.examples.support import EXAMPLES

sys.path.insert(0, str(EXAMPLES / "basic_crud"))

import main  # type: ignore[import-not-found]
from todos import Todo  # type: ignore[import-not-found]


async def clear(_request: Request) -> Response:
    main.todos.clear()
    return Response()


async def save(request: Request) -> Response:
    todo = Todo(**await request.json())
    main.todos[todo.id] = todo
    return Response()


async def find(request: Request) -> Response:
    todo = main.todos.get(request.path_params["id"])
    return Response(status_code=404) if todo is None else JSONResponse(todo.model_dump())


app = main.app
app.router.routes += [
    Route("/todos", clear, methods=["DELETE"]),
    Route("/todos", save, methods=["PUT"]),
    Route("/todos/{id}", find),
]
