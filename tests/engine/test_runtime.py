"""Tasks that begin at once, and code that can be interrupted, on asyncio.

What is said here holds for ``eager_start`` of Python 3.12 and for its replacement before.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi.runtime import Runtime, current_runtime
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize(
    "anyio_backend",
    ["asyncio", ("asyncio", {"debug": False, "use_uvloop": True})],
    ids=["asyncio", "uvloop"],
)

number: ContextVar[int] = ContextVar("number", default=0)


@pytest.fixture
async def runtime(anyio_backend: Any) -> Runtime:
    return current_runtime()


class Started:
    """A coroutine that was started, and what became of it."""

    def __init__(self, runtime: Runtime, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self.task = runtime.start(self._run(work), copy_context())

    async def _run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        try:
            self.result = await work()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.ended = True


async def test_what_does_not_wait_ends_at_once(runtime: Runtime) -> None:
    async def work() -> str:
        return "done"

    started = Started(runtime, work)
    assert (started.task, started.result) == (None, "done")


async def test_what_waits_goes_on_as_a_task(runtime: Runtime) -> None:
    async def work() -> list[Any]:
        seen = [asyncio.current_task()]
        for wait in (asyncio.sleep(0), asyncio.sleep(0.01), anyio.lowlevel.checkpoint()):
            await wait
            seen.append(asyncio.current_task())
        return seen

    started = Started(runtime, work)
    assert started.task in asyncio.all_tasks()
    await until(lambda: started.ended)
    assert set(started.result) == {started.task}
    assert started.task is not asyncio.current_task()


async def test_the_caller_stays_the_current_task(runtime: Runtime) -> None:
    async def nothing() -> None:
        pass

    current = asyncio.current_task()
    Started(runtime, nothing)
    assert asyncio.current_task() is current
    Started(runtime, anyio.lowlevel.checkpoint)
    assert asyncio.current_task() is current


async def test_from_a_callback_without_a_task(runtime: Runtime) -> None:
    started: list[Started] = []

    async def work() -> str:
        async with asyncio.timeout(5):
            await asyncio.sleep(0)
        return "done"

    asyncio.get_running_loop().call_soon(lambda: started.append(Started(runtime, work)))
    await until(lambda: bool(started) and started[0].ended)
    assert started[0].result == "done"


async def test_timeouts_and_scopes_before_the_first_wait(runtime: Runtime) -> None:
    async def work() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(10)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 10)
            tasks.cancel_scope.cancel()
        return f"cancelled: {scope.cancelled_caught}"

    started = Started(runtime, work)
    await until(lambda: started.ended)
    assert started.result == "cancelled: True"


async def test_contexts(runtime: Runtime) -> None:
    async def work() -> list[int]:
        seen = [number.get()]
        number.set(2)
        await asyncio.sleep(0)
        seen.append(number.get())
        number.set(3)
        await asyncio.sleep(0.01)
        inner = asyncio.create_task(read())
        return [*seen, number.get(), await inner]

    async def read() -> int:
        return number.get()

    number.set(1)
    started = Started(runtime, work)
    assert number.get() == 1
    await until(lambda: started.ended)
    assert started.result == [1, 2, 3, 3]
    assert number.get() == 1


async def test_one_starts_another(runtime: Runtime) -> None:
    log: list[str] = []

    async def inner(name: str, *, waits: bool) -> None:
        log.append(f"{name} begins")
        if waits:
            await asyncio.sleep(0)
        log.append(f"{name} ends")

    async def outer() -> Any:
        current = asyncio.current_task()
        Started(runtime, lambda: inner("a", waits=False))
        waiting = Started(runtime, lambda: inner("b", waits=True))
        assert asyncio.current_task() is current
        await asyncio.sleep(0.01)
        assert waiting.ended
        return asyncio.current_task() is current

    started = Started(runtime, outer)
    await until(lambda: started.ended)
    assert started.result is True
    assert log == ["a begins", "a ends", "b begins", "b ends"]


async def test_cancelling_what_waits(runtime: Runtime) -> None:
    started = Started(runtime, lambda: asyncio.sleep(10))
    assert started.task is not None
    await asyncio.sleep(0)
    started.task.cancel()
    await until(lambda: started.ended)
    assert isinstance(started.error, asyncio.CancelledError)


async def test_cancelling_before_it_goes_on(runtime: Runtime) -> None:
    started = Started(runtime, lambda: asyncio.sleep(10))
    assert started.task is not None
    started.task.cancel()
    await until(lambda: started.ended)
    assert isinstance(started.error, asyncio.CancelledError)


@pytest.mark.parametrize("waits", [True, False])
async def test_what_cancels_itself(runtime: Runtime, waits: bool) -> None:
    async def work() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if waits:
            await asyncio.sleep(10)
        return "not interrupted"

    started = Started(runtime, work)
    await until(lambda: started.ended)
    assert isinstance(started.error, asyncio.CancelledError) is waits

    async def next_one() -> str:
        await asyncio.sleep(0)
        return "undisturbed"

    following = Started(runtime, next_one)
    await until(lambda: following.ended)
    assert following.result == "undisturbed"


async def test_waiting_for_a_future_that_is_done_meanwhile(runtime: Runtime) -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        return await future

    started = Started(runtime, work)
    future.set_result("done")
    await until(lambda: started.ended)
    assert started.result == "done"


async def test_many_that_wait(runtime: Runtime) -> None:
    event = asyncio.Event()
    started = [Started(runtime, event.wait) for _ in range(50)]
    assert len({item.task for item in started}) == 50
    event.set()
    await until(lambda: all(item.ended for item in started))


async def test_what_is_idle_is_not_seen(runtime: Runtime) -> None:
    async def nothing() -> None:
        pass

    before = asyncio.all_tasks()
    for _ in range(3):
        Started(runtime, nothing)
    assert asyncio.all_tasks() == before


def test_the_end_of_a_loop_is_quiet(anyio_backend: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def nothing() -> None:
            pass

        Started(current_runtime(), nothing)

    anyio.run(main)
    gc.collect()
    assert caplog.messages == []


async def test_settling(runtime: Runtime) -> None:
    quick = Started(runtime, lambda: asyncio.sleep(0.01))
    endless = Started(runtime, lambda: asyncio.sleep(60))
    await runtime.settle(0.1)
    assert quick.error is None
    assert isinstance(endless.error, asyncio.CancelledError)


# -- sending at the end of a turn ------------------------------------------------------------------


class Speaker:
    """Somebody who sends, and what became of that."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Any]] | None) -> None:
        self.context = copy_context()
        self.send_task: Any = None
        self.result: Any = None
        self.error: BaseException | None = None
        self._work = work

    def begin_sending(self) -> Coroutine[Any, Any, None] | None:
        return None if self._work is None else self._send(self._work)

    async def _send(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        try:
            self.result = await work()
        except BaseException as error:
            self.error = error
            raise


async def test_sending_comes_after_the_turn(runtime: Runtime) -> None:
    log: list[str] = []

    async def send() -> None:
        log.append("sent")

    loop = asyncio.get_running_loop()
    for _ in range(2):
        runtime.send_after_turn(Speaker(send))
        loop.call_soon(log.append, "next turn")
    log.append("end of the turn")
    await asyncio.sleep(0)
    assert log == ["end of the turn", "sent", "sent", "next turn", "next turn"]


async def test_who_waits_to_send_keeps_nobody_from_it(runtime: Runtime) -> None:
    event = asyncio.Event()

    async def wait() -> tuple[Any, Any, int]:
        before = asyncio.current_task()
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await event.wait()
        return before, asyncio.current_task(), number.get()

    async def send() -> str:
        return "sent"

    waiting: list[Speaker] = []
    for value in range(3):
        number.set(value)
        waiting.append(Speaker(wait))
    others = [Speaker(send), Speaker(None), Speaker(send)]
    for speaker in (waiting[0], others[0], waiting[1], *others[1:], waiting[2]):
        runtime.send_after_turn(speaker)
    await until(lambda: all(speaker.send_task for speaker in waiting))
    assert [speaker.result for speaker in others] == ["sent", None, "sent"]
    assert [speaker.send_task for speaker in others] == [None, None, None]
    event.set()
    await until(lambda: all(speaker.result for speaker in waiting))
    for value, speaker in enumerate(waiting):
        assert speaker.result == (speaker.send_task, speaker.send_task, value)


async def test_cancelling_who_waits_to_send(runtime: Runtime) -> None:
    speakers = [Speaker(lambda: asyncio.sleep(10)) for _ in range(2)]
    for speaker in speakers:
        runtime.send_after_turn(speaker)
    await until(lambda: all(speaker.send_task for speaker in speakers))
    speakers[0].send_task.cancel()
    await until(lambda: speakers[0].error is not None)
    assert isinstance(speakers[0].error, asyncio.CancelledError)
    assert speakers[1].error is None
    speakers[1].send_task.cancel()


async def test_who_is_interrupted_while_sending_keeps_nobody_from_it(runtime: Runtime) -> None:
    async def interrupted() -> None:
        raise asyncio.CancelledError

    async def send() -> str:
        return "sent"

    speakers = [Speaker(interrupted), Speaker(send)]
    for speaker in speakers:
        runtime.send_after_turn(speaker)
    await until(lambda: speakers[1].result == "sent")


async def test_sending_now(runtime: Runtime) -> None:
    async def send() -> str:
        return "sent"

    speakers = [Speaker(send), Speaker(lambda: asyncio.sleep(10)), Speaker(None)]
    for speaker in speakers:
        runtime.send_now(speaker)
    assert speakers[0].result == "sent"
    assert speakers[1].send_task in asyncio.all_tasks()
    speakers[1].send_task.cancel()


# -- scopes ----------------------------------------------------------------------------------------


async def test_interrupting_what_waits(runtime: Runtime) -> None:
    scope = runtime.cancel_scope()
    asyncio.get_running_loop().call_soon(scope.cancel)
    async with scope:
        await asyncio.sleep(10)
    await asyncio.sleep(0)  # nothing of it is left


async def test_interrupting_before_the_beginning(runtime: Runtime) -> None:
    scope = runtime.cancel_scope()
    scope.cancel()
    reached = False
    async with scope:
        await asyncio.sleep(10)
        reached = True
    assert not reached
    await asyncio.sleep(0)


async def test_interrupting_oneself(runtime: Runtime) -> None:
    scope = runtime.cancel_scope()
    async with scope:
        scope.cancel()  # and then it ends without a wait
    await asyncio.sleep(0)
    scope.cancel()  # too late
    await asyncio.sleep(0)


async def test_an_error_goes_through(runtime: Runtime) -> None:
    scope = runtime.cancel_scope()
    with pytest.raises(ValueError, match="broken"):
        async with scope:
            raise ValueError("broken")


async def test_another_cancellation_goes_through(runtime: Runtime) -> None:
    entered = asyncio.Event()
    scope = runtime.cancel_scope()

    async def work() -> None:
        async with scope:
            entered.set()
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await entered.wait()
    scope.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# -- deadlines -------------------------------------------------------------------------------------


async def test_no_timer_for_what_does_not_wait(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> str:
        return "done"

    monkeypatch.setattr(runtime, "call_later", None)
    assert await runtime.within(1, work()) == "done"


async def test_waiting_long_enough(runtime: Runtime) -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return "done"

    assert await runtime.within(10, work()) == "done"
    await asyncio.sleep(0)


async def test_waiting_too_long(runtime: Runtime) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("cancelled")

    with pytest.raises(TimeoutError):
        await runtime.within(0.01, work())
    assert ended == ["cancelled"]
    await asyncio.sleep(0)  # nothing of it is left


@pytest.mark.parametrize("waits", [False, True])
async def test_an_error_within_a_deadline(runtime: Runtime, waits: bool) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await runtime.within(10, work())


async def test_another_cancellation_within_a_deadline(runtime: Runtime) -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)  # it may wait once more

    task = asyncio.create_task(runtime.within(10, work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_what_waits_within_a_deadline(runtime: Runtime) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("closed")

    coroutine = runtime.within(10, work())
    coroutine.send(None)
    coroutine.close()
    assert ended == ["closed"]


# -- tasks that cannot be cancelled ----------------------------------------------------------------


class Uncancellable(asyncio.Task[Any]):
    """What granian runs an application in, with ``--task-impl rust``."""

    def cancel(self, msg: Any | None = None) -> bool:
        return False


@pytest.mark.parametrize("kind", [asyncio.Task, Uncancellable])
async def test_a_task_that_can_be_cancelled(
    runtime: Runtime, kind: type[asyncio.Task[Any]]
) -> None:
    async def wait() -> str:
        scope = runtime.cancel_scope()
        asyncio.get_running_loop().call_soon(scope.cancel)
        async with scope:
            await asyncio.sleep(10)
        return "interrupted"

    async def application() -> str:
        return await runtime.cancellable(wait())

    async with asyncio.timeout(5):
        assert await kind(application(), loop=asyncio.get_running_loop()) == "interrupted"


# -- what stays behind ---------------------------------------------------------------------------


async def _leave_nothing_to_the_next(runtime: Runtime, first: Callable[[], object]) -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def touch() -> None:
        first()

    async def look() -> str:
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        assert task.get_name() != "touched"
        tasks.append(task)
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return "undisturbed"

    for turns in range(2):  # before the first turn of a task that stands by, and after that
        for _ in range(turns):
            await asyncio.sleep(0.01)
        Started(runtime, touch)
        following = Started(runtime, look)
        await until(partial(getattr, following, "ended"))
        assert (following.result, following.error) == ("undisturbed", None)


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_a_cancellation_that_is_taken_back(runtime: Runtime) -> None:
    def touch() -> None:
        _current().cancel()
        _current().uncancel()

    await _leave_nothing_to_the_next(runtime, touch)


async def test_a_name_is_gone_with_the_task(runtime: Runtime) -> None:
    await _leave_nothing_to_the_next(runtime, lambda: _current().set_name("touched"))


async def test_the_callback_of_a_task_is_called_when_its_work_has_ended(runtime: Runtime) -> None:
    called: list[object] = []

    def note(_task: asyncio.Task[Any]) -> None:
        called.append(1)

    await _leave_nothing_to_the_next(runtime, lambda: _current().add_done_callback(note))
    await until(lambda: called == [1, 1])


async def test_a_task_that_somebody_holds_is_not_used_again(runtime: Runtime) -> None:
    held: list[asyncio.Task[Any]] = []

    async def note() -> None:
        held.append(_current())

    for _ in range(3):
        Started(runtime, note)
    assert len(set(held)) == 3
    waiting = Started(runtime, lambda: asyncio.sleep(0.01))
    for task in held:
        task.cancel()  # whoever held it means the work that has ended
    await until(lambda: waiting.ended)
    assert waiting.error is None


async def test_raising_before_the_first_wait_does_not_touch_the_next(runtime: Runtime) -> None:
    async def fail() -> None:
        raise asyncio.CancelledError

    async def fine() -> str:
        await asyncio.sleep(0)
        return "fine"

    failed = Started(runtime, fail)
    assert isinstance(failed.error, asyncio.CancelledError)
    following = Started(runtime, fine)
    await until(lambda: following.ended)
    assert following.result == "fine"


async def test_variables_are_not_left_to_the_next(runtime: Runtime) -> None:
    seen: list[int] = []

    async def work() -> None:
        seen.append(number.get())
        number.set(7)

    for _ in range(3):
        Started(runtime, work)
    assert seen == [0, 0, 0]
    assert number.get() == 0
