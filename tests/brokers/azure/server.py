"""The small Service Bus in a process of its own.

>>> with ServiceBusProcess() as bus:
...     AzureServiceBusAdapter(bus.connection, administration=bus.administration)
"""

from __future__ import annotations

import functools
import json
import signal
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from tests.brokers.official_package import ENVIRONMENT
from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_command, require_module

HERE = Path(__file__).parent

READ_SECONDS = 0.02


class ServiceBusProcess:
    """A Service Bus on free ports of loopback; it forgets everything when it ends.

    Args:
        disorder: The seed by which it doubles and mixes messages; None for neither.

    Attributes:
        port: The port of AMQP, the same after a restart.
        administration_port: The port of its administration.
    """

    def __init__(self, disorder: int | None = None) -> None:
        require_module("azure.servicebus")
        import_module("azure.servicebus.aio.management")  # it takes a while, for servers as well
        _read_briefly()
        self._reservations = [PortReservation() for _ in range(2)]
        self.port, self.administration_port = (each.port for each in self._reservations)
        self._options = [] if disorder is None else [str(disorder)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection(self) -> str:
        """The connection string for messages."""
        return connection_string(self.port)

    @property
    def administration(self) -> str:
        """The connection string for the administration."""
        return connection_string(self.administration_port)

    @property
    def administration_url(self) -> str:
        """Where it is administered."""
        return f"http://{HOST}:{self.administration_port}"

    @property
    def url(self) -> str:
        """The connection string, where all brokers have a URL."""
        return self.connection

    def start(self) -> Self:
        ports = [str(self.port), str(self.administration_port)]
        self._process = subprocess.Popen(
            [require_command("node"), str(HERE / "emulator.mjs"), *ports, *self._options],
            cwd=HERE,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def topics(self) -> dict[str, dict[str, str]]:
        """The topics, each with its subscriptions and their settings."""
        with urlopen(f"{self.administration_url}/", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def pause(self) -> None:
        """Let it stand still, with all its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.kill()
        for reservation in self._reservations:
            reservation.close()


@functools.cache
def _read_briefly() -> None:
    """Let the library close its links in milliseconds, and not in a second each.

    While it waits for data, a fifth of a second by default, it sends nothing; here it does so for
    less. Its keep-alive, which looks once a second whether it has ended, is left out: it sends
    something after thirty seconds without traffic, which no test takes.
    """

    async def keep_nothing_alive(client: Any) -> None: ...

    client: Any = import_module("azure.servicebus._pyamqp.aio._client_async").AMQPClientAsync
    client._keep_alive_async = keep_nothing_alive
    settings: Any = import_module("azure.servicebus._common._configuration").Configuration
    configure = settings.__init__

    def configure_briefly(self: Any, **options: Any) -> None:
        configure(self, **{**options, "socket_timeout": READ_SECONDS})

    settings.__init__ = configure_briefly


def connection_string(port: int) -> str:
    """The connection string of a Service Bus without TLS."""
    key = "SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=c2VjcmV0"
    return f"Endpoint=sb://{HOST}:{port};{key};UseDevelopmentEmulator=true"
