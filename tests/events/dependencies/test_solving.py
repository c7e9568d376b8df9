"""Dependencies are called, and what they open is closed, whatever happens to the event."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import fastapi
import pytest

from socketio_asgi import EventValidationError
from socketio_asgi.events import exits
from socketio_asgi.events.dependencies import Depends
from socketio_asgi.events.workers import Workers
from socketio_asgi.runtime.current import running_on_asyncio

from .support import call, make_call, make_handler

pytestmark = pytest.mark.runtime

log: list[str] = []


@pytest.fixture(autouse=True)
def no_log() -> None:
    log.clear()


class Failed(Exception):
    """What a handler raises."""


async def async_session() -> AsyncIterator[str]:
    log.append("open")
    try:
        yield "session"
    except BaseException as error:
        log.append(f"saw {type(error).__name__}")
        raise
    finally:
        await anyio.lowlevel.checkpoint()
        log.append("closed")


def plain_session() -> Iterator[str]:
    log.append("open")
    try:
        yield "session"
    except BaseException as error:
        log.append(f"saw {type(error).__name__}")
        raise
    finally:
        log.append("closed")


@asynccontextmanager
async def decorated_async_session() -> AsyncIterator[str]:
    async for session in async_session():
        yield session


@contextmanager
def decorated_session() -> Iterator[str]:
    yield from plain_session()


sessions = pytest.mark.parametrize("session", [async_session, plain_session])


async def async_handler(found: str) -> str:
    log.append("handler")
    return found


def plain_handler(found: str) -> str:
    log.append("handler")
    return found


def handle(function: Callable[..., Any], *dependencies: Any) -> Any:
    """A handler whose parameters depend on these functions."""
    function.__defaults__ = tuple(map(Depends, dependencies))
    return function


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    async_handler.__defaults__ = plain_handler.__defaults__ = None


handlers = pytest.mark.parametrize("handler", [async_handler, plain_handler])


@pytest.mark.parametrize(
    "session", [async_session, plain_session, decorated_async_session, decorated_session]
)
@handlers
async def test_open_while_the_handler_runs(session: Any, handler: Any) -> None:
    assert await call(handle(handler, session)) == "session"
    assert log[:3] == ["open", "handler", "closed"]


@sessions
async def test_closed_when_the_handler_raises(session: Any) -> None:
    async def async_fails(found: str = Depends(session)) -> None:  # type: ignore[assignment]
        raise Failed

    def fails(found: str = Depends(session)) -> None:  # type: ignore[assignment]
        raise Failed

    for handler in (async_fails, fails):
        log.clear()
        with pytest.raises(Failed):
            await call(handler)
        assert log == ["open", "saw Failed", "closed"]


@sessions
async def test_closed_when_another_dependency_raises(session: Any) -> None:
    def fails() -> None:
        raise Failed

    with pytest.raises(Failed):
        await call(lambda a=Depends(session), b=Depends(fails): None)
    assert log == ["open", "saw Failed", "closed"]


async def test_closed_in_the_opposite_order() -> None:
    async def first() -> AsyncIterator[str]:
        yield "first"
        log.append("first")

    def second(found: str = Depends(first)) -> Iterator[str]:  # type: ignore[assignment]
        yield "second"
        log.append("second")

    async def third(found: str = Depends(second)) -> AsyncIterator[str]:  # type: ignore[assignment]
        yield "third"
        log.append("third")

    assert await call(lambda a=Depends(third), b=Depends(first): (a, b)) == ("third", "first")
    assert log == ["third", "second", "first"]


async def async_swallows() -> AsyncIterator[None]:
    try:
        yield
    except Failed:
        log.append("swallowed")


def swallows() -> Iterator[None]:
    try:
        yield
    except Failed:
        log.append("swallowed")


@pytest.mark.parametrize("swallow", [async_swallows, swallows])
@pytest.mark.parametrize("session", [async_session, plain_session])
async def test_an_error_is_not_made_undone(
    swallow: Any, session: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(outer: Any = Depends(session), inner: Any = Depends(swallow)) -> None:
        raise Failed

    with pytest.raises(Failed):
        await call(fails)
    # The outer one must not commit either.
    assert log == ["open", "swallowed", "saw Failed", "closed"]
    assert "did not raise Failed again after its yield" in caplog.text
    assert swallow.__name__ in caplog.text


async def async_turns() -> AsyncIterator[None]:
    try:
        yield
    except Failed:
        raise LookupError from None


def turns() -> Iterator[None]:
    try:
        yield
    except Failed:
        raise LookupError from None


@pytest.mark.parametrize("turn", [async_turns, turns])
@sessions
async def test_an_error_becomes_another_one(turn: Any, session: Any) -> None:
    def fails(outer: Any = Depends(session), inner: Any = Depends(turn)) -> None:
        raise Failed

    with pytest.raises(LookupError):
        await call(fails)
    assert log == ["open", "saw LookupError", "closed"]


async def async_fails_at_the_end() -> AsyncIterator[None]:
    yield
    raise Failed


def fails_at_the_end() -> Iterator[None]:
    yield
    raise Failed


@pytest.mark.parametrize("failing", [async_fails_at_the_end, fails_at_the_end])
@sessions
async def test_an_error_of_exit_code(failing: Any, session: Any) -> None:
    with pytest.raises(Failed):
        await call(lambda a=Depends(session), b=Depends(failing): "result")
    assert log == ["open", "saw Failed", "closed"]


# -- threads -------------------------------------------------------------------------------------


def here() -> int:
    return threading.get_ident()


def opens_here() -> Iterator[int]:
    opened = threading.get_ident()
    yield opened
    log.append("same" if threading.get_ident() == opened else "other")


async def test_all_that_is_plain_runs_in_one_thread() -> None:
    def handler(a: Any = Depends(opens_here), b: Any = Depends(here)) -> Any:
        return a, b, threading.get_ident()

    threads = await call(handler)
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    assert log == ["same"]


async def test_plain_dependencies_leave_the_event_loop_alone() -> None:
    async def handler(a: Any = Depends(opens_here), b: Any = Depends(here)) -> bool:
        return threading.get_ident() in (a, b)

    assert not await call(handler)


async def test_what_is_read_ahead_fails_in_its_turn() -> None:
    def reads(absent: int) -> int:
        return absent

    def handler(a: Any = Depends(plain_session), b: Any = fastapi.Depends(reads)) -> None: ...

    with pytest.raises(EventValidationError):
        await call(handler)
    assert log == ["open", "saw EventValidationError", "closed"]


async def test_leaving_needs_no_free_thread() -> None:
    # The only thread waits for what the other event is to give back.
    workers = Workers(limit=1)
    pool = threading.Semaphore(0)
    waits = anyio.Event()

    def connection() -> Iterator[None]:
        yield
        pool.release()

    def waiting() -> None:
        anyio.from_thread.run_sync(waits.set)
        assert pool.acquire(timeout=10)

    async def first(found: Any = Depends(connection)) -> None:
        tasks.start_soon(workers.run, waiting)
        await waits.wait()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            await make_call(make_handler(first), workers=workers).run()


# -- limits --------------------------------------------------------------------------------------


async def in_use() -> AsyncIterator[None]:
    log.append("begun")
    yield
    log.append("ended")


async def test_so_many_at_a_time() -> None:
    if "max_concurrency" not in inspect.signature(fastapi.Depends).parameters:
        pytest.skip("FastAPI has no max_concurrency")
    marker = fastapi.Depends(in_use, max_concurrency=2)
    released = anyio.Event()

    async def handler(found: Any = marker) -> None:
        await released.wait()

    async def other_handler(found: Any = marker) -> None:
        await released.wait()

    plans = [make_handler(handler), make_handler(other_handler)]
    async with anyio.create_task_group() as tasks:
        for plan in (*plans, *plans):
            tasks.start_soon(make_call(plan).run)
        await anyio.wait_all_tasks_blocked()
        assert log == ["begun", "begun"]
        released.set()
    assert log.count("ended") == 4


# -- cancellation --------------------------------------------------------------------------------


async def cancel(plan: Any, begun: anyio.Event) -> None:
    """Cancel an event as soon as its handler has begun, as the runtimes do."""
    if not running_on_asyncio():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(make_call(plan).run)
            await begun.wait()
            tasks.cancel_scope.cancel()
        return
    import asyncio

    task = asyncio.ensure_future(make_call(plan).run())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def cancel_scope(plan: Any, begun: anyio.Event) -> None:
    """Cancel it through a scope around it."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make_call(plan).run)
        await begun.wait()
        tasks.cancel_scope.cancel()


each_cancellation = pytest.mark.parametrize("cancelled_by", [cancel, cancel_scope])


@each_cancellation
@sessions
async def test_closed_on_cancellation(session: Any, cancelled_by: Any) -> None:
    begun = anyio.Event()

    async def handler(found: Any = Depends(session)) -> None:
        begun.set()
        await anyio.sleep_forever()

    await cancelled_by(make_handler(handler), begun)
    assert log[0] == "open"
    assert log[1] in ("saw CancelledError", "saw Cancelled")
    assert log[2:] == ["closed"]


async def test_a_task_group_of_a_dependency_is_closed_on_cancellation() -> None:
    begun = anyio.Event()

    async def group() -> AsyncIterator[Any]:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.sleep_forever)
                try:
                    yield tasks
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            log.append("closed")

    async def handler(found: Any = Depends(group), more: Any = Depends(async_session)) -> None:
        begun.set()
        await anyio.sleep_forever()

    await cancel(make_handler(handler), begun)
    assert log.count("closed") == 2, log


@each_cancellation
async def test_a_thread_that_is_left_closes_what_it_opened(cancelled_by: Any) -> None:
    begun, go_on, ended = anyio.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[None]:
        log.append("open")
        anyio.from_thread.run_sync(begun.set)
        go_on.wait(10)
        try:
            yield
        finally:
            log.append("closed")
            ended.set()

    async def handler(found: Any = Depends(slow)) -> None: ...

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled_by, make_handler(handler), begun)
        await begun.wait()
        await anyio.lowlevel.checkpoint()
        go_on.set()
    await anyio.to_thread.run_sync(ended.wait, 10)
    assert log == ["open", "closed"]


@each_cancellation
async def test_nothing_is_closed_while_a_thread_uses_it(cancelled_by: Any) -> None:
    begun, go_on = anyio.Event(), threading.Event()

    async def checked() -> None: ...

    # One dependency is asynchronous, so that this is no plan for one thread.
    def handler(a: Any = Depends(checked), b: Any = Depends(plain_session)) -> None:
        anyio.from_thread.run_sync(begun.set)
        go_on.wait(10)
        log.append("used")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancelled_by, make_handler(handler), begun)
        await begun.wait()
        await anyio.sleep(0.01)
        go_on.set()
    assert [entry for entry in log if not entry.startswith("saw")] == ["open", "used", "closed"]


async def test_exit_code_gets_so_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "EXIT_SECONDS", 0.01)
    begun = anyio.Event()

    async def endless() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await anyio.sleep_forever()

    async def handler(a: Any = Depends(async_session), b: Any = Depends(endless)) -> None:
        begun.set()
        await anyio.sleep_forever()

    await cancel_scope(make_handler(handler), begun)
    assert log[-1] != "open"


# -- overrides -----------------------------------------------------------------------------------


async def test_overrides() -> None:
    async def stub(more: Any = Depends(plain_session)) -> str:
        return f"stub of {more}"

    overrides: dict[Any, Any] = {}
    handler = make_handler(lambda found=Depends(async_session): found, overrides=overrides)
    assert await make_call(handler).run() == "session"
    overrides[async_session] = stub
    assert await make_call(handler).run() == "stub of session"
    overrides[plain_session] = lambda: "nothing"
    assert await make_call(handler).run() == "stub of nothing"
    overrides.clear()
    assert await make_call(handler).run() == "session"
    assert log.count("open") == log.count("closed") == 3


async def test_overrides_that_go_in_a_circle() -> None:
    async def original() -> None: ...
    async def stub(found: Any = Depends(original)) -> None: ...

    overrides: dict[Any, Any] = {}
    handler = make_handler(lambda found=Depends(original): found, overrides=overrides)
    overrides[original] = stub
    with pytest.raises(TypeError, match="in a circle"):
        await make_call(handler).run()
