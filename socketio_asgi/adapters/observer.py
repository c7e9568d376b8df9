"""The observer of the adapters, for metrics and traces."""

from __future__ import annotations

from .states import AdapterState


class AdapterObserver:
    """An observer of a server's adapters; every method may be overridden, and does nothing.

    All are called in the thread of the event loop, at once, and must not take long. Without an
    observer nothing is called.
    """

    def broadcast(self, namespace: str, recipients: int) -> None:
        """Called when a packet was handed to sockets of this process.

        Args:
            namespace: The name of the namespace.
            recipients: How many sockets were meant.
        """

    def adapter_state(self, state: AdapterState, error: Exception | None) -> None:
        """Called when the state of a server's adapters has changed.

        Args:
            state: The new state.
            error: The cause, if it was an error.
        """

    def messages_dropped(self, reason: str, count: int) -> None:
        """Called when messages of a cluster were not sent, or not handled.

        Args:
            reason: Why, in a few words that do not change; usable as a label.
            count: How many.
        """
