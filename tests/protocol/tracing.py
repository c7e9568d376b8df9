"""How much work a call does, in a unit that does not depend on the machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def count_calls(operation: Callable[[], object]) -> int:
    """The number of calls, to Python and to C functions, that the operation makes."""
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    previous = sys.getprofile()
    gc.disable()  # what others have it call is no work of this operation
    sys.setprofile(profile)
    try:
        operation()
    finally:
        sys.setprofile(previous)
        gc.enable()
    return count
