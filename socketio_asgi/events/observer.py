"""The interface of what watches the calls of handlers."""

from __future__ import annotations

from .plans import HandlerCall


class CallObserver:
    """Watches the calls of handlers; every method does nothing until a subclass overrides it.

    The methods are called in the task of the handler, and so in its context: a context variable
    that :meth:`handler_started` sets is seen by the handler.
    """

    def handler_started(self, call: HandlerCall) -> None:
        """Called when a handler, middleware or listener is about to be called."""

    def handler_ended(self, call: HandlerCall, seconds: float, error: BaseException | None) -> None:
        """Called when a handler, middleware or listener has returned or raised.

        Args:
            call: The same object that :meth:`handler_started` was given.
            seconds: How long it took.
            error: What it raised; None when it returned.
        """
