"""The event loops on which async tests run, and with them the way of WebSockets.

``asyncio`` and ``trio`` serve WebSockets by the messages of ASGI; ``fast`` is asyncio with uvloop,
where uvicorn has our own protocol classes, so that engines take their WebSockets over.
"""

from __future__ import annotations

from typing import Any

import pytest
import sniffio

from .requirements import require_module

FAST: tuple[str, dict[str, Any]] = ("asyncio", {"use_uvloop": True})

LOOPS = {
    "asyncio-h11": (("asyncio", {"use_uvloop": False}), "h11"),
    "uvloop-httptools": (FAST, "httptools"),
}
"""By name: an event loop of asyncio, and the parser of HTTP that goes with it in uvicorn."""

_FAST_PARAM = pytest.param(FAST, id="fast")

BACKENDS = ("asyncio", "trio", _FAST_PARAM)
"""What the fixture ``anyio_backend`` goes through."""

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio", _FAST_PARAM])
"""Run an async test, which serves something, on everything but trio."""

not_fast = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
"""Run an async test, which serves something, on everything but the fast path."""

only_fast = pytest.mark.parametrize("anyio_backend", [_FAST_PARAM])
"""Run an async test on the fast path alone."""


def require_backend(backend: Any) -> None:
    """Need what a backend is made of."""
    if backend == FAST:
        require_module("uvloop")


def on_fast_path() -> bool:
    """Tell whether the present event loop is that of ``fast``."""
    if sniffio.current_async_library() != "asyncio":
        return False
    import asyncio

    return type(asyncio.get_running_loop()).__module__.partition(".")[0] == "uvloop"
