"""The demonstration as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.support.processes import ServerProcess


class DemoProcess(ServerProcess):
    """``socketio-asgi demo --port PORT``; the arguments are further options."""

    def __init__(self, *options: str) -> None:
        super().__init__("socketio-asgi demo", "", options=options)

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        command = [sys.executable, "-m", "socketio_asgi", "demo"]
        return [*command, "--port", str(self.port), *options]
