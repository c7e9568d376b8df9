"""Time, tasks and wake-ups, from asyncio or trio.

The event loop is chosen here and nowhere else, and so is the clock: every deadline of the package
is set by :meth:`.Runtime.call_later` or :meth:`.Runtime.within`, so that a runtime whose time a
test moves has them all.
"""

from .base import Cancellable, CancelScope, Event, Runtime, Sender, TaskStarter
from .current import RuntimeFactory, current_runtime, open_runtime

__all__ = [
    "CancelScope",
    "Cancellable",
    "Event",
    "Runtime",
    "RuntimeFactory",
    "Sender",
    "TaskStarter",
    "current_runtime",
    "open_runtime",
]
