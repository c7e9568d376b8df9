"""An ASGI application that shows the contract of a server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from ..contract.contract import Contract
from ..contract.page import POLICY
from .server import Server

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def contract_page(io: Server, *, title: str = "Socket.IO API", version: str = "0.1.0") -> ASGIApp:
    """Make an application that shows the events of a server, as a page and for programs.

    Mount it anywhere: ``app.mount("/events", contract_page(io))``. It serves the page itself,
    ``contract.ts`` and ``asyncapi.json``. The contract is made with the first request, so that
    handlers may be registered after this call.

    Args:
        io: The server.
        title: The name of the application.
        version: The version of its interface.
    """
    made: list[Contract] = []

    def contract() -> Contract:
        if not made:
            made.append(io.contract(title=title, version=version))
        return made[0]

    def show(_request: Request) -> Response:
        return HTMLResponse(contract().html(), headers=_HEADERS)

    def show_typescript(_request: Request) -> Response:
        return PlainTextResponse(contract().typescript(), headers=_HEADERS)

    def show_asyncapi(_request: Request) -> Response:
        return JSONResponse(contract().asyncapi(), headers=_HEADERS)

    return Router(
        [
            Route("/", show),
            Route("/contract.ts", show_typescript),
            Route("/asyncapi.json", show_asyncapi),
        ]
    )
