"""The event loops on which async tests run, and with them the way of WebSockets.

``asyncio`` and ``trio`` serve WebSockets by the messages of ASGI; ``fast`` is asyncio with uvloop,
where uvicorn has our own protocol classes, so that engines take their WebSockets over. An async
test runs

* on ``asyncio``;
* on ``fast`` as well when it has the fixture ``fast_path``: by way of the fixture ``serving``, or
  by the marker ``@serves``, when it calls :func:`tests.support.serving.serve` itself;
* on ``trio`` as well when it has the marker ``@pytest.mark.runtime``. That is for what comes near
  to the event loop (timers, cancellation, the start of tasks, threads, lifespan, shutdown), and for
  a few tests of all else. With the option ``--all-backends`` every test runs there.

``@pytest.mark.parametrize("anyio_backend", ["asyncio"])`` and the decorators below choose for
themselves.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
import sniffio

from .requirements import require_module

FAST: Final[tuple[str, dict[str, Any]]] = ("asyncio", {"use_uvloop": True})

LOOPS: Final = {
    "asyncio-h11": (("asyncio", {"use_uvloop": False}), "h11"),
    "uvloop-httptools": (FAST, "httptools"),
}
"""By name: an event loop of asyncio, and the parser of HTTP that goes with it in uvicorn."""

EACH: Final = "each_backend"
"""The name of the fixture that goes through the backends of a test."""

FAST_PATH: Final = "fast_path"
"""The name of the fixture that makes a test run on the fast path as well."""

_FAST_PARAM = pytest.param(FAST, id="fast")

ALL_BACKENDS: Final = "--all-backends"
"""The option with which every test that may run on trio does so."""

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio", _FAST_PARAM])
"""Run an async test, which serves something, on everything but trio, whatever the option says."""

not_fast = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
"""Run an async test, which serves something, on everything but the fast path."""

only_fast = pytest.mark.parametrize("anyio_backend", [_FAST_PARAM])
"""Run an async test on the fast path alone."""

serves = pytest.mark.usefixtures(FAST_PATH)
"""Run an async test on the fast path too; for what serves without the fixture ``serving``."""

_running: list[pytest.Function] = []


def parametrize_backend(metafunc: pytest.Metafunc) -> None:
    """Choose where a test runs, unless it or its folder does so."""
    if EACH not in metafunc.fixturenames:
        return
    everywhere = metafunc.config.getoption(ALL_BACKENDS)
    backends: list[Any] = ["asyncio"]
    if everywhere or metafunc.definition.get_closest_marker("runtime"):
        backends.append("trio")
    if FAST_PATH in metafunc.fixturenames:
        backends.append(_FAST_PARAM)
    metafunc.parametrize(EACH, backends)


def remember_test(item: pytest.Item) -> None:
    """Keep what :func:`require_fast_path` asks about."""
    assert isinstance(item, pytest.Function)
    _running[:] = [item]


def require_fast_path() -> None:
    """Fail when a test serves something, and could leave out the fast path unnoticed."""
    for item in _running:
        if EACH in item.fixturenames and FAST_PATH not in item.fixturenames:
            raise AssertionError("a test that calls serve() has to be marked with @serves")


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
