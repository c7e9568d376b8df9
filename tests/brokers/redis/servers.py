"""Real Redis servers as processes: single, in a cluster, behind Sentinel.

>>> with RedisProcess(tmp_path) as redis:
...     io = Server(adapter=RedisAdapter(redis.url))
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import redis as redis_py

from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_command

READY_SECONDS = 10.0


class RedisProcess:
    """A server with a port of its own that outlives restarts, and nothing on the disk.

    Args:
        folder: A folder for it alone.
        options: Options of its configuration, by name; underscores become hyphens.
        mode: Further arguments in front of the options.
        tls: A certificate, with its key in the same file, to serve TLS alone.
    """

    def __init__(
        self, folder: Path, *mode: str, tls: Path | None = None, **options: str | int
    ) -> None:
        self._command = require_command("redis-server")
        self._reservation = PortReservation()
        self.port = self._reservation.port
        self.folder = folder
        self.tls = tls
        self._mode = mode
        self._options: dict[str, str | int] = {
            "logfile": str(folder / "log"),
            "bind": HOST,
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "dir": str(folder),
        }
        if "--sentinel" in mode:
            del self._options["save"], self._options["appendonly"]
        if tls is None:
            self._options["port"] = self.port
        else:
            self._options |= {
                "port": 0,
                "tls-port": self.port,
                "tls-cert-file": str(tls),
                "tls-key-file": str(tls),
                "tls-ca-cert-file": str(tls),
                "tls-auth-clients": "no",
            }
        self._options |= {name.replace("_", "-"): value for name, value in options.items()}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL for redis-py."""
        return f"redis://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments = [*self._mode]
        for name, value in self._options.items():
            arguments += [f"--{name}", str(value)]
        self.process = subprocess.Popen([self._command, *arguments])
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                client.ping()
        except redis_py.AuthenticationError:
            return True
        except redis_py.RedisError:
            return False
        return True

    def stop(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let it stand still; its connections stay open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def client(self, **options: Any) -> Iterator[redis_py.Redis]:
        """A client that blocks, for what tests do to a server."""
        if self.tls is not None:
            options |= {"ssl": True, "ssl_ca_certs": str(self.tls)}
        client = redis_py.Redis(HOST, self.port, socket_timeout=5, **options)
        try:
            yield client
        finally:
            client.close()

    def run(self, *command: str | int | bytes) -> Any:
        """Run a command."""
        with self.client() as client:
            execute: Any = client.execute_command
            return execute(*command)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._reservation.close()


@contextmanager
def redis_cluster(folder: Path, nodes: int = 1) -> Iterator[list[RedisProcess]]:
    """A cluster of masters that share the slots."""
    with ExitStack() as stack:
        servers = [stack.enter_context(cluster_node(folder, number)) for number in range(nodes)]
        share = 16384 // nodes
        for number, server in enumerate(servers):
            last = 16383 if number == nodes - 1 else (number + 1) * share - 1
            server.run("CLUSTER", "ADDSLOTSRANGE", number * share, last)
            server.run("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number:
                meet(server, servers[0])
        wait(lambda: all(_knows_all(server, nodes) for server in servers))
        yield servers


@contextmanager
def cluster_node(folder: Path, number: int) -> Iterator[RedisProcess]:
    """A server of a cluster that knows no other one yet."""
    own = folder / f"node{number}"
    own.mkdir()
    with PortReservation() as bus:
        server = RedisProcess(
            own,
            cluster_enabled="yes",
            cluster_port=bus.port,
            cluster_announce_ip=HOST,
            cluster_node_timeout=2000,
            # Others hear of a replica once it was sent something: without a wait for more replicas,
            # and then a ping, since there may be nothing else.
            repl_diskless_sync_delay=0,
            repl_ping_replica_period=1,
        )
        with server:
            yield server


def meet(server: RedisProcess, other: RedisProcess) -> None:
    """Bring the server of a cluster together with another one."""
    server.run("CLUSTER", "MEET", HOST, other.port, other._options["cluster-port"])


@contextmanager
def replica_of(master: RedisProcess, folder: Path, number: int) -> Iterator[RedisProcess]:
    """One more server of a cluster, which stands by for a master."""
    with cluster_node(folder, number) as server:
        meet(server, master)
        id = master.run("CLUSTER", "MYID")
        wait(lambda: id in server.run("CLUSTER", "NODES"))
        server.run("CLUSTER", "REPLICATE", id)
        own = server.run("CLUSTER", "MYID")
        wait(lambda: own in {node[2] for row in master.run("CLUSTER", "SLOTS") for node in row[3:]})
        yield server


def wait(condition: Callable[[], bool]) -> None:
    """Wait until servers are as they should be."""
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the servers are not ready"
        time.sleep(0.05)


def _knows_all(server: RedisProcess, nodes: int) -> bool:
    info = server.run("CLUSTER", "INFO")
    text = (
        info
        if isinstance(info, dict)
        else dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    )
    slots = server.run("CLUSTER", "SLOTS")
    return text["cluster_state"] == "ok" and len(slots) == nodes
