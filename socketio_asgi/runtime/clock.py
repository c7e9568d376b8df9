"""The clock that durations are measured with; deadlines have the clock of their event loop."""

from __future__ import annotations

from time import perf_counter

stopwatch = perf_counter
"""Returns seconds, whose differences are durations."""
