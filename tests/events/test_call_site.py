"""The one place that calls handlers: answers, errors, context managers, observers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi.events.acks import Ack
from socketio_asgi.events.call_site import CallSite, Load
from socketio_asgi.events.observer import CallObserver
from socketio_asgi.events.planning import plan_handler
from socketio_asgi.events.plans import (
    AckCallback,
    Handler,
    HandlerCall,
    HandlerKind,
    Registration,
)
from socketio_asgi.events.workers import Workers
from socketio_asgi.runtime.awaitables import DONE

pytestmark = pytest.mark.runtime


class Busy:
    """The load of a connection that waits for the end of a call."""

    def __init__(self) -> None:
        self.in_flight = 5
        self.paused = True
        self.log: list[int] = []

    def call_ended(self) -> None:
        self.log.append(self.in_flight)


class Site(CallSite):
    """A site that writes down all that it is told."""

    def __init__(
        self,
        subject: object = "socket",
        observer: CallObserver | None = None,
        load: Load | None = None,
    ) -> None:
        super().__init__(subject, load)
        self.log: list[Any] = []
        self._observer = observer
        self._workers = Workers()

    @property
    def namespace_name(self) -> str:
        return "/chat"

    @property
    def workers(self) -> Workers:
        return self._workers

    @property
    def observer(self) -> CallObserver | None:
        return self._observer

    def acknowledge(self, number: int, result: Any) -> None:
        self.log.append(("answer", number, result))

    def ack_callback(self, number: int | None, handler: Handler) -> AckCallback:
        def ack(*values: Any) -> Any:
            self.log.append(("ack", number, values))
            return DONE

        return ack

    def failed(self, handler: Handler, error: Exception) -> None:
        self.log.append(("failed", handler.registration.name, repr(error)))

    async def call(self, handler: Handler, *args: Any, number: int | None = None) -> list[Any]:
        self.begin()
        await self.invoke(handler, args, number)
        return self.log


def plan(function: Callable[..., Any], kind: HandlerKind = HandlerKind.EVENT) -> Handler:
    return plan_handler(Registration(function, kind, "the name"))


async def returns_all(*values) -> Any:  # type: ignore[no-untyped-def]
    return values


def plain(socket: object, value: int) -> int:
    return value + 1


async def short(socket: object) -> object:
    return socket


async def raises(socket: object) -> None:
    raise LookupError("lost")


async def by_itself(socket: object, value: int, *, ack: AckCallback) -> str:
    await ack(value, socket)
    return "not an answer"


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (returns_all, (1, 2), [("answer", 7, ("socket", 1, 2))]),
        (plain, (1, "surplus"), [("answer", 7, 2)]),
        (short, (1, 2, 3), [("answer", 7, "socket")]),
        (raises, (), [("failed", "the name", "LookupError('lost')")]),
        (by_itself, (5,), [("ack", 7, (5, "socket"))]),
    ],
)
async def test_an_event(
    function: Callable[..., Any], args: Sequence[Any], expected: list[Any]
) -> None:
    site = Site()
    assert await site.call(plan(function), *args, number=7) == expected
    assert site.in_flight == 0


async def test_nothing_is_answered_without_a_number() -> None:
    assert await Site().call(plan(returns_all)) == []


@pytest.mark.parametrize(
    ("kind", "answers"), [(HandlerKind.LISTENER, False), (HandlerKind.EVENT_MIDDLEWARE, True)]
)
async def test_others_get_no_socket(kind: HandlerKind, answers: bool) -> None:
    """What a listener returns is no answer; what a middleware returns is its decision."""
    seen: list[Any] = []

    async def listener(*values: Any) -> str:
        seen.extend(values)
        return "returned"

    log = await Site().call(plan(listener, kind), 1, number=7)
    assert log == ([("answer", 7, "returned")] if answers else [])
    assert seen == [1]


async def test_a_plain_function_may_return_something_to_await() -> None:
    assert await Site().call(plan(lambda _: DONE), number=7) == [("answer", 7, None)]


@pytest.mark.parametrize(
    "kind", [HandlerKind.LIFECYCLE, HandlerKind.MIDDLEWARE, HandlerKind.EVENT_MIDDLEWARE]
)
def test_only_events_can_be_acknowledged(kind: HandlerKind) -> None:
    async def optional(socket: object, *, ack: object = None) -> None: ...

    async def typed(socket: object, answer: Ack[int]) -> None: ...

    for function in (by_itself, optional):
        with pytest.raises(TypeError, match="keyword-only parameter 'ack' is never given anything"):
            plan(function, kind)
    with pytest.raises(TypeError, match="only events are acknowledged, but 'answer'"):
        plan(typed, kind)


async def test_a_dismissed_site_calls_nothing() -> None:
    site = Site()
    site.dismissed = True
    assert await site.call(plan(raises), number=7) == []
    assert site.in_flight == 0


async def test_the_load_is_told_of_the_end_while_it_waits_for_that() -> None:
    load = Busy()
    site = Site(load=load)
    await site.call(plan(short))
    assert (site.in_flight, load.in_flight, load.log) == (0, 5, [5])
    load.paused = False
    await site.call(plan(raises))
    assert (site.in_flight, load.in_flight, load.log) == (0, 5, [5])


async def test_a_count_that_is_taken_back() -> None:
    load = Busy()
    site = Site(load=load)
    site.begin()
    assert (site.in_flight, load.in_flight) == (1, 6)
    site.end()
    assert (site.in_flight, load.in_flight, load.log) == (0, 5, [5])


@dataclass(frozen=True, slots=True)
class WithResource(Handler):
    """A plan whose function gets something that lives as long as the event."""

    resource: Callable[[], Any]

    async def run(self, call: HandlerCall) -> Any:
        return await self.function(call.subject, await call.enter(self.resource()))


def with_resource(function: Callable[..., Any], resource: Callable[[], Any]) -> Handler:
    made = plan(function)
    fields: dict[str, Any] = {name: getattr(made, name) for name in Handler.__slots__}
    fields |= {"simple": False, "direct": False, "convert": None}
    return WithResource(**fields, resource=resource)


async def test_a_resource_is_closed_before_the_answer() -> None:
    site = Site()

    @asynccontextmanager
    async def resource() -> AsyncIterator[str]:
        site.log.append("opened")
        yield "resource"
        site.log.append("closed")

    async def use(socket: object, resource: str) -> str:
        site.log.append("used")
        return resource

    expected = ["opened", "used", "closed", ("answer", 7, "resource")]
    assert await site.call(with_resource(use, resource), number=7) == expected


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_resource_sees_the_error_and_cannot_hide_it(swallows: bool) -> None:
    site = Site()

    @asynccontextmanager
    async def resource() -> AsyncIterator[str]:
        try:
            yield "resource"
        except LookupError as error:
            site.log.append(error)
            if not swallows:
                raise

    async def use(socket: object, resource: str) -> str:
        raise LookupError(resource)

    log = await site.call(with_resource(use, resource), number=7)
    assert [repr(entry) for entry in log] == [
        "LookupError('resource')",
        repr(("failed", "the name", "LookupError('resource')")),
    ]


async def test_an_error_while_closing_is_an_error_of_the_event() -> None:
    @asynccontextmanager
    async def resource() -> AsyncIterator[str]:
        yield "resource"
        raise OSError("not committed")

    handler = with_resource(returns_all, resource)
    log = await Site().call(handler, number=7)
    assert log == [("failed", "the name", "OSError('not committed')")]


async def test_a_resource_is_closed_after_a_cancellation() -> None:
    closed = anyio.Event()

    @asynccontextmanager
    async def resource() -> AsyncIterator[str]:
        try:
            yield "resource"
        finally:
            await anyio.lowlevel.checkpoint()  # a cancelled task would stop here
            closed.set()

    async def use(socket: object, resource: str) -> None:
        scope.cancel()
        await anyio.sleep(10)

    site = Site()
    with anyio.CancelScope() as scope:
        await site.call(with_resource(use, resource), number=7)
    assert closed.is_set()
    assert site.log == []
    assert site.in_flight == 0


class Watching(CallObserver):
    def __init__(self) -> None:
        self.log: list[Any] = []

    def handler_started(self, call: HandlerCall) -> None:
        call.state = len(self.log)
        self.log.append((call.namespace, call.handler.registration.name, call.args))

    def handler_ended(self, call: HandlerCall, seconds: float, error: BaseException | None) -> None:
        assert seconds >= 0
        self.log.append(("ended", call.state, repr(error)))


async def test_an_observer() -> None:
    watching = Watching()
    site = Site(observer=watching)
    for function in (short, raises):
        # As a registry has it where calls are watched.
        await site.call(replace(plan(function), simple=False, direct=False), "surplus")
    assert watching.log == [
        ("/chat", "the name", ("surplus",)),
        ("ended", 0, "None"),
        ("/chat", "the name", ("surplus",)),
        ("ended", 2, "LookupError('lost')"),
    ]
