"""The handlers of a namespace: plans, and the planner that makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from socketio_asgi import Namespace, Server, Socket
from socketio_asgi.events.planning import plan_handler
from socketio_asgi.events.plans import Handler, HandlerKind, Registration
from socketio_asgi.events.registry import HandlerRegistry


async def first(socket: Socket) -> None: ...
async def second(socket: Socket, reason: str) -> None: ...
async def asked(value: int) -> None: ...


def marking(registration: Registration) -> Handler:
    """A planner whose plans can be told from others."""
    return replace(plan_handler(registration), maximum=99)


def test_plans_are_made_anew_for_another_planner() -> None:
    handlers = HandlerRegistry()
    handlers.add("event", first)
    handlers.add("disconnect", second)
    handlers.add_server_event("asked", asked)
    handlers.add_middleware(first)
    handlers.use_planner(marking, observed=False)
    handlers.add("later", first)
    plans = [
        *(handlers.event(name) for name in ("event", "later")),
        *(handlers.lifecycle("disconnect"), handlers.server_event("asked")),
        *handlers.middlewares,
    ]
    assert [plan is not None and plan.maximum for plan in plans] == [99] * 5


def test_a_planner_is_told_what_was_registered() -> None:
    seen: list[Registration] = []

    def planner(registration: Registration) -> Handler:
        seen.append(registration)
        return plan_handler(registration)

    io = Server()
    io.on("early")(first)
    chat = Namespace("/chat")
    chat.use(first)
    io.__socketio__.plan_with(planner)
    io.on("late", ordered=True)(first)
    io.register(chat)
    assert [each._replace(scope=None, signature=None) for each in seen] == [
        Registration(first, HandlerKind.EVENT, "early", ordered=False),
        Registration(first, HandlerKind.EVENT, "late", ordered=True),
        Registration(first, HandlerKind.MIDDLEWARE, "first"),
    ]


def test_a_planner_may_refuse() -> None:
    def planner(registration: Registration) -> Handler:
        raise TypeError(f"cannot plan {registration.name}")

    io = Server()
    io.on("event")(first)
    with pytest.raises(TypeError, match="cannot plan event"):
        io.__socketio__.plan_with(planner)


@pytest.mark.parametrize("observed", [False, True])
def test_what_is_observed_has_no_short_way(observed: bool) -> None:
    handlers = HandlerRegistry()
    handlers.use_planner(plan_handler, observed=observed)
    handlers.add("event", first)
    handler: Any = handlers.event("event")
    assert handler.simple is not observed
