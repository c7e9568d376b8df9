"""The reader of frames in use, and the writer of acknowledgements; chosen here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import python_events
from .native_reader import native_reader
from .python_reader import OnEvent, PythonFrameReader
from .speedups import speedups

FrameReader: type[PythonFrameReader] = PythonFrameReader
ack_frame: Callable[[int, Sequence[Any]], bytes | None] = python_events.ack_frame
if speedups is not None:
    FrameReader = native_reader(speedups.read_event_frame)
    ack_frame = speedups.ack_frame

__all__ = ["FrameReader", "OnEvent", "ack_frame"]
