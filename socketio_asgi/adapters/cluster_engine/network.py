"""The way of messages between engines, as what sends and receives them sees it."""

from __future__ import annotations

from typing import Protocol

from ...runtime import Runtime
from .members import EngineMembers
from .options import ClusterEngineOptions
from .questions import OnAnswer
from .wire import EngineMessage


class Network(Protocol):
    """The connection of this server with the others.

    Attributes:
        runtime: The event loop.
        members: The servers.
        options: The options.
    """

    runtime: Runtime
    members: EngineMembers
    options: ClusterEngineOptions

    @property
    def connected(self) -> bool:
        """True while messages go out and come in."""
        ...

    def send(self, message: EngineMessage) -> bool:
        """Send a message; False when that is not possible."""
        ...

    def count(self, what: str) -> None:
        """Count something for the health."""
        ...

    async def ask_until_gone(self, message: EngineMessage) -> EngineMessage | None:
        """Ask a question, and wait for the answer as long as the other server is there.

        Returns:
            The answer; None when there is none.
        """
        ...

    async def ask(self, message: EngineMessage, on_answer: OnAnswer) -> EngineMessage | None:
        """Ask a question, and wait for the answer at most as long as the option says.

        Args:
            message: The question, without a number.
            on_answer: Called with the answer at once when it comes, before anything else does.

        Returns:
            The answer; None when there is none.
        """
        ...

    def ask_later(self, message: EngineMessage, on_answer: OnAnswer) -> bool:
        """Ask a question that is answered in its time, or never if the server goes.

        Returns:
            False when it could not be sent; then nothing is called.
        """
        ...

    async def sent(self) -> bool:
        """Wait until Redis has taken what was sent so far; False when it has not."""
        ...
