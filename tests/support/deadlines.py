"""The deadline of async tests, before the one that pytest-timeout holds over all tests.

pytest-timeout raises its error wherever the main thread happens to be. In an event loop that is
seldom the test: the loop may log the error and go on, or it is left while the test still waits in
it, and the fixtures then wait for the test for ever. So an async test is cancelled before, within
its loop. What hangs in spite of both ends with its process, by the option
``faulthandler_exit_on_timeout``.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import anyio
import pytest

EARLIER = 10.0  # seconds before pytest-timeout strikes


def ends_in_time(item: pytest.Function) -> None:
    """Make an async test raise ``TimeoutError`` where it waits, 10 s before its time is up.

    It takes ``@pytest.mark.timeout(SECONDS)`` from the test, or else the option ``timeout``.
    """
    test = item.obj
    if not inspect.iscoroutinefunction(test):
        return
    marker = item.get_closest_marker("timeout")
    seconds = float(marker.args[0] if marker else item.config.getini("timeout")) - EARLIER

    @functools.wraps(test)
    async def in_time(*args: Any, **kwargs: Any) -> None:
        with anyio.fail_after(seconds):
            await test(*args, **kwargs)

    item.obj = in_time
