"""Where time, tasks and wake-ups come from: asyncio or trio, chosen here and nowhere else."""

from .base import Cancellable, CancelScope, Event, Runtime, Sender, TaskStarter
from .current import current_runtime

__all__ = [
    "CancelScope",
    "Cancellable",
    "Event",
    "Runtime",
    "Sender",
    "TaskStarter",
    "current_runtime",
]
