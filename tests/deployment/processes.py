"""Processes that stand around an application in production."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.support.ports import HOST
from tests.support.processes import ServerProcess
from tests.support.requirements import require_module

WORKER = "socketio_asgi.integrations.gunicorn.Worker"


class GunicornProcess(ServerProcess):
    """gunicorn with one worker of ours; the arguments are those of :class:`ServerProcess`."""

    def __init__(self, app: str, *, options: Sequence[str] = ()) -> None:
        super().__init__("gunicorn", app, options=options)

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        return [
            *(sys.executable, "-m", "gunicorn", app, "--bind", f"{HOST}:{self.port}"),
            *("--worker-class", WORKER, "--graceful-timeout", "60", *options),
        ]

    def _require(self) -> None:
        require_module("gunicorn")
        require_module("uvicorn_worker")
