"""A RabbitMQ node in a process of its own.

>>> with RabbitServer(tmp_path) as rabbit:
...     RabbitMqAdapter(rabbit.url)
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_command

READY_SECONDS = 60.0
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"

# Debian puts a wrapper on PATH that changes the user; behind it is the script of RabbitMQ itself.
SCRIPTS = Path("/usr/lib/rabbitmq/lib")

CONFIG = """\
listeners.tcp.1 = {host}:{port}
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 1MB
"""


class RabbitServer:
    """A node on free ports of loopback, with an epmd of its own; the user is ``guest``.

    Args:
        folder: Where it keeps its files.

    Attributes:
        port: The port, the same after a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._scripts = _scripts()
        self._epmd_command = _epmd()
        self._folder = folder
        self._name = f"test-{secrets.token_hex(4)}@localhost"
        self._ports = [PortReservation() for _ in range(3)]
        self.port, self._dist, self._epmd_port = (item.port for item in self._ports)
        self._epmd: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            **os.environ,
            "HOME": str(folder),  # for the cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "absent"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script is replaced by the node
        }

    def start(self) -> Self:
        (self._folder / "plugins").write_text("[].")
        config = CONFIG.format(host=HOST, port=self.port)
        (self._folder / "rabbitmq.conf").write_text(config)
        if self._epmd is None:
            epmd = [self._epmd_command, "-port", str(self._epmd_port), "-address", HOST]
            self._epmd = subprocess.Popen(epmd, stdout=subprocess.DEVNULL)
        with (self._folder / "node.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._scripts / "rabbitmq-server")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self._folder,
            )
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 5) as it:
                it.sendall(AMQP_HEADER)
                if it.recv(1):
                    return
            time.sleep(0.05)
        raise AssertionError((self._folder / "node.log").read_text())

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl``; it takes some seconds."""
        done = subprocess.run(
            [str(self._scripts / "rabbitmqctl"), "--quiet", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def pause(self) -> None:
        """Let it stand still, with all its connections."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def resume_or_start(self) -> None:
        """Undo what was done to it."""
        if self._process is None:
            self.start()
        else:
            self.resume()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        for port in self._ports:
            port.close()


def _scripts() -> Path:
    for found in sorted(SCRIPTS.glob("rabbitmq_server-*/sbin"), reverse=True):
        return found
    return Path(require_command("rabbitmq-server")).resolve().parent


def _epmd() -> str:
    """The port mapper of Erlang, which not every package puts on PATH."""
    found = shutil.which("epmd")
    return found or require_command(*map(str, Path("/usr/lib/erlang").glob("erts-*/bin/epmd")))
