"""The native piece, if there is one: found here, and nowhere else.

It is a distribution of its own, ``socketio-asgi-speedups``. The code in Python does all the same,
and runs where the piece is missing, has another interface, or is switched off by the environment
variable ``SOCKETIO_ASGI_SPEEDUPS=0``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from .python_events import ShortEvent

INTERFACE = 1
"""The number of the interface that is known here, :class:`Speedups`."""
VARIABLE = "SOCKETIO_ASGI_SPEEDUPS"


class Speedups(Protocol):
    """The functions of the native piece.

    Attributes:
        read_event_frame: Decodes a segment that is one whole, masked, short frame with an event, as
            :func:`.python_events.read_event` does. It is given the segment, and the size of the
            largest one that is to be looked at.
        ack_frame: Does what :func:`.python_events.ack_frame` does.
    """

    __version__: str
    INTERFACE: int
    read_event_frame: Callable[[bytes, int], ShortEvent | None]
    ack_frame: Callable[[int, Sequence[Any]], bytes | None]


def find() -> Speedups | None:
    """The native piece; None where it is not to be used."""
    if os.environ.get(VARIABLE) == "0":
        return None
    try:
        module = cast("Speedups", import_module("socketio_asgi_speedups"))
    except ImportError:
        return None
    return module if module.INTERFACE == INTERFACE else None


speedups: Speedups | None = find()
"""The native piece in use."""


def describe() -> str:
    """Tell which of the two is in use, for people."""
    return "pure Python" if speedups is None else f"speedups {speedups.__version__}"
