"""How the scenarios are run and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.node import run_node
from tests.support.processes import ServerProcess

TRANSPORTS = ("polling", "websocket", "upgrade")


def start_app(name: str, node_modules: Path, **env: str) -> ServerProcess:
    """A server for the application of :mod:`tests.interop.apps`, not started yet.

    Args:
        name: which server; see :class:`ServerProcess`.
        node_modules: the official client files for browsers.
        env: settings of the application.
    """
    files = str(node_modules / "socket.io-client" / "dist")
    return ServerProcess(
        name,
        "tests.interop.apps:app",
        options=["--log-level", "warning"],
        env={"INTEROP_CLIENT_FILES": files, **env},
    )


async def run_cases(script: str, url: str, options: dict[str, Any] | None = None) -> None:
    """Run a script that uses ``cases.mjs``; each of its cases must pass with each transport.

    Raises:
        AssertionError: with the failed cases and their stack traces.
    """
    result = await run_node(script, url, options, timeout=45)
    judge(result)


def judge(result: dict[str, Any]) -> None:
    """Raise an error that shows the failed cases of a result."""
    cases: dict[str, str] = result["cases"]
    assert cases, "no case was run"
    failed = [f"{name}: {outcome}" for name, outcome in cases.items() if outcome != "passed"]
    assert not failed, "\n".join([f"{len(failed)} of {len(cases)} cases failed", *failed])
