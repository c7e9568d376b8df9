"""Handlers with dependencies, called as a namespace calls them, but without a client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from socketio_asgi.engine.handshake import Handshake
from socketio_asgi.engine.http.request import EngineRequest
from socketio_asgi.events.dependencies.functions import parameters_of
from socketio_asgi.events.dependencies.injection import Injection
from socketio_asgi.events.dependencies.markers import Marker
from socketio_asgi.events.dependencies.plan import Overrides, PlanSettings
from socketio_asgi.events.plans import HandlerCall
from socketio_asgi.events.workers import Workers
from socketio_asgi.runtime.callables import is_async


class Client:
    """What dependencies see of a socket."""

    def __init__(self, auth: dict[str, Any] | None = None, **scope: Any) -> None:
        defaults: dict[str, Any] = {
            "type": "websocket",
            "path": "/socket.io/",
            "query_string": b"EIO=4",
            "headers": [(b"x-token", b"secret"), (b"cookie", b"theme=dark")],
            "state": {"database": "connected"},
        }
        self.handshake = Handshake(EngineRequest(defaults | scope), auth or {})


class PlanOf:
    """The part of a plan that a call needs: a handler whose parameters are all injected."""

    def __init__(self, function: Callable[..., Any], injection: Injection) -> None:
        self.function = function
        self.injection = injection
        self.is_async = is_async(function)

    async def run(self, call: HandlerCall) -> Any:
        def finish(values: Sequence[Any]) -> Any:
            return self.function(*values)

        return await self.injection.run(call, finish, is_async=self.is_async)


def make_handler(
    function: Callable[..., Any],
    *,
    shared: Sequence[Marker] = (),
    overrides: Overrides | None = None,
    settings: PlanSettings | None = None,
) -> Any:
    injection = Injection(
        function,
        parameters_of(function),
        shared=shared,
        settings=settings or PlanSettings(),
        overrides={} if overrides is None else overrides,
    )
    return PlanOf(function, injection)


def make_call(
    handler: Any, client: Client | None = None, workers: Workers | None = None
) -> HandlerCall:
    subject = client or Client()
    return HandlerCall(
        handler,
        "/",
        (),
        subject=subject,
        workers=workers or Workers(),
        ack=None,
        wants_ack=True,
        find_context=lambda _call: None,
    )


async def call(function: Callable[..., Any], client: Client | None = None, **options: Any) -> Any:
    """Call a handler once."""
    return await make_call(make_handler(function, **options), client).run()
