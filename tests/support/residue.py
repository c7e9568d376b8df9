"""What is left behind: tasks, timers, file descriptors and objects, before and after.

>>> async with no_residue(classes=(Session, Socket)):
...     async with serve(io) as served:
...         ...

Everything that the block starts must be gone (or be going) at its end; the check waits a bounded
time, collects garbage, and names what remained. Inside a longer-lived server, take a
:class:`Snapshot` after a first connection (which warms caches) and compare later:

>>> before = Snapshot.take(classes=(Session,))
>>> ...  # connect and disconnect
>>> await before.assert_nothing_left()
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import sniffio

TIMEOUT = 5.0  # seconds; a closed socket or a cancelled task needs a few turns of the loop


@dataclass(frozen=True)
class Cancellable:
    """A timer of the loop; ``owners`` are the ids of the tasks that wait for it, if known."""

    source: Any = field(repr=False)
    owners: frozenset[int]

    def __str__(self) -> str:
        return repr(self.source)


@dataclass(frozen=True)
class Snapshot:
    """What exists at one moment, keyed by identity, with a description for messages."""

    classes: tuple[type, ...]
    tasks: dict[int, str]
    timers: dict[int, Cancellable]
    descriptors: dict[int, str]
    objects: Counter[type] = field(default_factory=Counter)
    # Keeps the ids of tasks from being given to new ones.
    keep: tuple[Any, ...] = field(default=(), repr=False)

    @classmethod
    def take(cls, classes: Iterable[type] = ()) -> Snapshot:
        """Record the present state; call it in the event loop."""
        classes = tuple(classes)
        gc.collect()
        tasks = list(_tasks())
        timers = list(_timers())
        return cls(
            classes,
            {id(task): text for task, text in tasks},
            {id(timer.source): timer for timer in timers},
            _descriptors(),
            _count(classes),
            keep=(tasks,),
        )

    def leftovers(self) -> list[str]:
        """Return one line for each thing that exists now and did not exist then."""
        now = Snapshot.take(self.classes)
        lines = [f"task {text}" for key, text in now.tasks.items() if key not in self.tasks]
        lines += [f"timer {timer}" for key, timer in now.timers.items() if self._is_new(key, timer)]
        lines += [
            f"file descriptor {number} -> {target}"
            for number, target in now.descriptors.items()
            if self.descriptors.get(number) != target
        ]
        for kind in self.classes:
            surplus = now.objects[kind] - self.objects[kind]
            if surplus > 0:
                lines.append(f"{surplus} more {kind.__qualname__}{_why_alive(kind)}")
        return lines

    def _is_new(self, key: int, timer: Cancellable) -> bool:
        # A task that was there before may go on sleeping, with another timer each time.
        return key not in self.timers and timer.owners.isdisjoint(self.tasks)

    async def assert_nothing_left(self, timeout: float = TIMEOUT) -> None:
        """Wait until nothing is left, at most ``timeout`` seconds; else fail and list it.

        The looks do not count, nor does what makes a pause longer than it was meant to be: no timer
        is called in that time, and nothing ends.
        """
        left = timeout
        interval = 0.005
        while lines := self.leftovers():
            if left <= 0:
                raise AssertionError("left behind:\n  " + "\n  ".join(lines))
            await anyio.sleep(interval)
            left -= interval
            interval = min(interval * 2, 0.2)


@asynccontextmanager
async def no_residue(
    classes: Iterable[type] = (), timeout: float = TIMEOUT
) -> AsyncIterator[Snapshot]:
    """Fail when the block leaves a task, timer, descriptor or instance of ``classes``."""
    await anyio.lowlevel.checkpoint()
    before = Snapshot.take(classes)
    yield before
    await before.assert_nothing_left(timeout)


def instances(kind: type | tuple[type, ...]) -> list[Any]:
    """Return the living instances of ``kind``, or of one of several, and of their subclasses."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), kind)]


def _count(classes: tuple[type, ...]) -> Counter[type]:
    """Count the living instances of each class, with those of its subclasses, in one pass."""
    found = Counter(map(type, gc.get_objects())) if classes else Counter[type]()
    return Counter(
        {
            kind: sum(count for each, count in found.items() if issubclass(each, kind))
            for kind in classes
        }
    )


def _tasks() -> Iterator[tuple[Any, str]]:
    if sniffio.current_async_library() == "trio":
        yield from _trio_tasks()
        return
    for task in asyncio.all_tasks():
        yield task, f"{task.get_name()}: {task.get_coro()!r}"


def _trio_tasks() -> Iterator[tuple[Any, str]]:
    import trio

    root = trio.lowlevel.current_root_task()
    pending = [] if root is None else [root]
    while pending:
        task = pending.pop()
        path = " > ".join(frame.f_code.co_name for frame, _ in task.iter_await_frames())
        yield task, f"{task.name}: {path}"
        for nursery in task.child_nurseries:
            pending.extend(nursery.child_tasks)


def _timers() -> Iterator[Cancellable]:
    if sniffio.current_async_library() == "trio":
        yield from _trio_timers()
        return
    waiting = {id(getattr(task, "_fut_waiter", None)): id(task) for task in asyncio.all_tasks()}
    waiting.pop(id(None), None)
    # asyncio's own loop keeps its timers in a heap; uvloop's are out of reach.
    for handle in getattr(asyncio.get_running_loop(), "_scheduled", ()):
        if not handle.cancelled():
            owners = [waiting[id(argument)] for argument in handle._args if id(argument) in waiting]
            # A cancel scope belongs to a task, such as that of uvicorn's main loop.
            scope = getattr(handle._callback, "__self__", None)
            owners.append(id(getattr(scope, "_host_task", None)))
            yield Cancellable(handle, frozenset(owners))


def _trio_timers() -> Iterator[Cancellable]:
    # trio shows no list of its deadlines, only this heap of (deadline, id, cancel scope).
    from trio._core._run import GLOBAL_RUN_CONTEXT

    for deadline, _, scope in GLOBAL_RUN_CONTEXT.runner.deadlines._heap:
        if scope._registered_deadline == deadline:
            yield Cancellable(scope, frozenset(_trio_owners(scope._cancel_status)))


def _trio_owners(status: Any) -> Iterator[int]:
    """The ids of the tasks in a cancel scope, and in those that were opened within it."""
    if status is not None:
        yield from map(id, status._tasks)
        for child in status._children:
            yield from _trio_owners(child)


def _descriptors() -> dict[int, str]:
    found: dict[int, str] = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists the folder
            found[int(link.name)] = str(link.readlink())
    # libuv keeps one as a spare, as long as an event loop lives.
    return {number: target for number, target in found.items() if target != "/dev/null"}


def _why_alive(kind: type) -> str:
    referrers = Counter(
        type(referrer).__qualname__
        for thing in instances(kind)[:5]
        for referrer in gc.get_referrers(thing)
    )
    common = ", ".join(name for name, _ in referrers.most_common(5))
    return f" (referred to by: {common})" if common else ""
