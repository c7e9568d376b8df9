"""Processes that stand around an application in production."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.ports import HOST
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command, require_module

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


class ProxyProcess(ServerProcess):
    """A proxy in front of two servers, configured by a block of the documentation.

    Args:
        block: The configuration; its addresses are replaced.
        servers: The two servers.
        folder: Where its files go.
    """

    name: str

    def __init__(self, block: str, servers: Sequence[ServerProcess], folder: Path) -> None:
        self._block = block
        for address, server in zip(ADDRESSES, servers, strict=True):
            assert address in block
            self._block = self._block.replace(address, f"{HOST}:{server.port}")
        self._folder = folder
        super().__init__(self.name, "")

    def _require(self) -> None:
        """The command was found before."""


ADDRESSES = ("10.0.0.1:8000", "10.0.0.2:8000")


class NginxProcess(ProxyProcess):
    """nginx in the foreground."""

    name = "nginx"

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        assert self._block.count("listen 80;") == 1
        block = self._block.replace("listen 80;", f"listen {HOST}:{self.port};")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "\n".join(f"{kind}_temp_path {self._folder}/{kind};" for kind in kinds)
        (self._folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {self._folder}/nginx.pid;"
            " error_log stderr warn; events { worker_connections 64; }\n"
            f"http {{ access_log off;\n{folders}\n{block}}}\n"
        )
        command = require_command("nginx", "/usr/sbin/nginx")
        files = ("-p", str(self._folder), "-c", str(self._folder / "nginx.conf"))
        return [command, *files, "-e", "stderr"]


class HAProxyProcess(ProxyProcess):
    """HAProxy in the foreground."""

    name = "haproxy"

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        assert self._block.count("bind :80\n") == 1
        file = self._folder / "haproxy.cfg"
        file.write_text(self._block.replace("bind :80\n", f"bind {HOST}:{self.port}\n"))
        return [require_command("haproxy", "/usr/sbin/haproxy"), "-db", "-f", str(file)]
