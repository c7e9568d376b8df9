"""The frame reader with the native piece: it reads short events, and Python reads the rest."""

from __future__ import annotations

from collections.abc import Callable

from .python_events import ShortEvent
from .python_reader import PythonFrameReader

ReadEventFrame = Callable[[bytes, int], ShortEvent | None]


def native_reader(read_event_frame: ReadEventFrame) -> type[PythonFrameReader]:
    """The class of a reader.

    Args:
        read_event_frame: That of :class:`.speedups.Speedups`.
    """
    feed_python = PythonFrameReader.feed

    class NativeFrameReader(PythonFrameReader):
        __slots__ = ()

        def feed(self, data: bytes) -> None:
            """Take bytes from the network, when they come."""
            on_event = self.on_event
            if on_event is not None:
                event = read_event_frame(data, self._short_limit)
                if event is not None:
                    number, items = event
                    if on_event(number, items):
                        return None
            return feed_python(self, data)

    return NativeFrameReader
