"""Where time, tasks and wake-ups come from: asyncio or trio, chosen here and nowhere else."""

from .base import Event, Lane, Runtime, Scope, Sender, Timer
from .select import current_runtime

__all__ = ["Event", "Lane", "Runtime", "Scope", "Sender", "Timer", "current_runtime"]
