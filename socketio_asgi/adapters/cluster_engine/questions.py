"""Questions to other servers, and what waits for the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ...runtime import Cancellable, Event, Runtime
from .wire import EngineMessage

OnAnswer = Callable[[EngineMessage | None], object]
"""Called with the answer, at once when it comes; with None when there will be none."""


@dataclass(slots=True)
class _Question:
    node: str | None
    on_answer: OnAnswer
    timer: Cancellable | None


class Questions:
    """The questions that are not answered yet.

    Args:
        runtime: The event loop.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._last = 0
        self._open: dict[int, _Question] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, node: str | None, on_answer: OnAnswer, seconds: float | None) -> int:
        """Begin to wait for an answer; returns the number of the question.

        Args:
            node: The server that is asked; None for all.
            on_answer: Called once.
            seconds: The time for the answer; None for as long as the server is there.
        """
        self._last += 1
        number = self._last
        timer = None
        if seconds is not None:
            timer = self._runtime.call_later(seconds, partial(self.settle, number, None))
        self._open[number] = _Question(node, on_answer, timer)
        return number

    def answered(self, answer: EngineMessage) -> bool:
        """Take an answer; False when nobody waits for it."""
        number = answer.request
        question = None if number is None else self._open.get(number)
        if number is None or question is None or question.node not in {None, answer.sender}:
            return False
        self.settle(number, answer)
        return True

    def settle(self, number: int, answer: EngineMessage | None) -> None:
        """End a question; does nothing when it has ended."""
        question = self._open.pop(number, None)
        if question is not None:
            if question.timer is not None:
                question.timer.cancel()
            question.on_answer(answer)

    def withdraw(self, number: int) -> None:
        """Forget a question that could not be asked."""
        question = self._open.pop(number, None)
        if question is not None and question.timer is not None:
            question.timer.cancel()

    def node_gone(self, node: str) -> None:
        """End the questions to a server that is gone."""
        for number, question in list(self._open.items()):
            if question.node == node:
                self.settle(number, None)

    def all_gone(self) -> None:
        """End all questions."""
        for number in list(self._open):
            self.settle(number, None)


class Awaited:
    """An answer that a request waits for.

    Args:
        runtime: The event loop.
        on_answer: Called with the answer at once when it comes, before the request goes on.
    """

    def __init__(self, runtime: Runtime, on_answer: OnAnswer | None = None) -> None:
        self._event: Event = runtime.event()
        self._on_answer = on_answer
        self.answer: EngineMessage | None = None

    def settle(self, answer: EngineMessage | None) -> None:
        """The answer has come, or will not come."""
        self.answer = answer
        if self._on_answer is not None:
            self._on_answer(answer)
        self._event.set()

    async def wait(self) -> EngineMessage | None:
        """Wait for the answer; None when there is none."""
        await self._event.wait()
        return self.answer
