"""Workers of one start: in this process over the mesh alone, or real ones below a server."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import orjson
import sniffio
from anyio import to_thread
from starlette.types import Receive, Scope, Send

from socketio_asgi.brokers.mesh import FrameKind, Handovers, Mesh, Peer, Relays, SessionIds
from socketio_asgi.brokers.mesh.link import _HEAD
from socketio_asgi.brokers.mesh.mesh import VERSION
from socketio_asgi.extensions.handover import Exchange
from socketio_asgi.runtime import Runtime, current_runtime
from socketio_asgi.runtime.trio_runtime import open_trio_runtime
from tests.deployment.processes import GunicornProcess
from tests.support.ports import HOST
from tests.support.processes import ServerProcess
from tests.support.rawhttp import RawConnection, connect_raw
from tests.support.waiting import until

LOOKS = 30
"""Looks at a number that has settled, a few hundredths of a second apart."""

APPS = "tests.brokers.workers.apps:"


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="mesh-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def open_runtime() -> AsyncIterator[Runtime]:
    """The runtime of the event loop of the test."""
    if sniffio.current_async_library() == "trio":
        async with open_trio_runtime() as runtime:
            yield runtime
    else:
        yield current_runtime()


class Worker:
    """One worker of a mesh, and what it has heard."""

    def __init__(self, runtime: Runtime, place: Path | None) -> None:
        self.mesh = Mesh(runtime, place)
        self.heard: list[bytes] = []
        self.left: list[str] = []
        self.mesh.handle(FrameKind.MESSAGE, lambda _peer, frame: self.heard.append(frame))
        self.mesh.on_left.append(lambda peer: self.left.append(peer.name))
        self.session_ids = SessionIds(self.mesh)
        self.relays = Relays(self.mesh, self._serve)
        self.handovers = Handovers(self.mesh, Exchange(lambda _sid: None))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait until the client has gone."""
        while (await receive())["type"] != "http.disconnect":
            pass

    @property
    def names(self) -> set[str]:
        return {peer.name for peer in self.mesh.peers.values()}

    def peer(self, name: str) -> Peer:
        return next(peer for peer in self.mesh.peers.values() if peer.name == name)

    def say(self, data: bytes) -> list[bool]:
        return [peer.send(FrameKind.MESSAGE, data) for peer in self.mesh.peers.values()]


@asynccontextmanager
async def open_mesh(*names: str) -> AsyncIterator[tuple[Runtime, Path, list[Worker]]]:
    """Some workers that were started one after another; more may join."""
    with short_folder() as folder:
        place = folder / "mesh"
        async with open_runtime() as runtime:
            workers = [Worker(runtime, place) for _ in names]
            for worker, name in zip(workers, names, strict=True):
                await worker.mesh.start(name)
            try:
                await until(lambda: all(len(w.names) == len(names) - 1 for w in workers))
                yield runtime, place, workers
            finally:
                for worker in workers:
                    worker.mesh.close()


class Intruder:
    """A process that connects with a worker and speaks for itself."""

    def __init__(self, place: Path, worker: Worker) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(place / f"{worker.mesh.node.hex()}.sock"))
        self.sock.setblocking(False)

    def send(self, kind: int, data: bytes) -> Intruder:
        self.sock.send(_HEAD.pack(len(data) + 1, kind) + data)
        return self

    def greet(self, **fields: Any) -> Intruder:
        hello = {"version": VERSION, "node": "000000", "name": "intruder", **fields}
        return self.send(FrameKind.HELLO, orjson.dumps(hello))

    def is_cut_off(self) -> bool:
        try:
            while self.sock.recv(65536):
                pass
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()


# -- below real servers --------------------------------------------------------------------------


class Workers(ServerProcess):
    """Several workers of a server, with a folder for their sockets; started when all are there."""

    def __init__(
        self,
        name: str,
        app: str,
        count: int,
        *,
        tls: bool = False,
        uds: Path | None = None,
        **more: Any,
    ) -> None:
        self._folder = ExitStack()
        self.folder = self._folder.enter_context(short_folder())
        self._count = count
        self._tls = tls
        self._uds = uds
        super().__init__(name, APPS + app, env={"XDG_RUNTIME_DIR": str(self.folder)}, **more)

    def _answers(self) -> bool:
        if len(list(self.folder.glob("*/*/*.sock"))) < self._count:
            return False
        if self._uds is not None:
            return self._uds.exists()
        return self._answers_with_tls() if self._tls else super()._answers()

    def _answers_with_tls(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                trusting().wrap_socket(connection).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop them, and remove the folder."""
        super().close()
        self._folder.close()


class GunicornWorkers(GunicornProcess, Workers):
    """Several workers of gunicorn."""

    def __init__(self, app: str, count: int) -> None:
        Workers.__init__(self, "gunicorn", app, count, options=["--workers", str(count)])


def workers(name: str, app: str = "io", *options: str, count: int = 4, **more: Any) -> Workers:
    """Several workers of uvicorn, which log nothing as long as all is well."""
    number = ("--workers", str(count), "--log-level", "warning")
    return Workers(name, app, count, options=[*number, *options], **more)


async def open_sessions(server: ServerProcess, count: int = 2) -> list[str]:
    """Open polling sessions with different workers; returns their ids."""
    found: dict[str, str] = {}
    path = "/socket.io/?EIO=4&transport=polling"

    async def look() -> bool:
        async with connect_raw(server.url) as connection:
            await connection.send_request("GET", path)
            response = await connection.read_response()
            assert response.status == 200, response
            sid = str(orjson.loads(response.body[1:])["sid"])
            found.setdefault(worker_of(sid), sid)
        return len(found) >= count

    await until(look, timeout=20)
    return list(found.values())[:count]


def worker_of(sid: str) -> str:
    """What an id says about the worker that has made it."""
    return sid.rpartition("-")[0] if sid.startswith("own-") else sid[:4]


async def post(connection: RawConnection, sid: str, packets: str, **query: str) -> int:
    """Send packets of a session; returns the status of the answer."""
    target = path_of(sid, **query)
    await connection.send_request("POST", target, packets.encode())
    return (await connection.read_response()).status


async def poll(connection: RawConnection, sid: str) -> tuple[int, str]:
    """Poll a session; returns the status and the body of the answer."""
    await connection.send_request("GET", path_of(sid))
    response = await connection.read_response()
    return response.status, response.body.decode()


def path_of(sid: str, transport: str = "polling", **query: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"/socket.io/?EIO=4&transport={transport}{more}&sid={sid}"


async def kill(server: ServerProcess, pid: int) -> None:
    """End one of its workers as a crash would, when no connection comes to it or leaves it.

    One that it has accepted, and not yet handed on, would end with it.
    """
    assert os.getsid(pid) == server.pid, "it is no worker of this server"
    await settled(lambda: sockets_of([pid]))
    await to_thread.run_sync(os.kill, pid, 9)


async def settled(count: Callable[[], int]) -> int:
    """A number that has not changed for a while."""
    seen: list[int] = []

    def look() -> bool:
        seen.append(count())
        return len(seen) > LOOKS and len(set(seen[-LOOKS:])) == 1

    await until(look, 20)
    return seen[-1]


def processes_of(server: ServerProcess) -> list[int]:
    """The processes of a server."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(folder.name)) == server.pid:
                found.append(int(folder.name))
    return found


def sockets_of(processes: Iterable[int]) -> int:
    """The number of sockets that processes have open."""
    count = 0
    for process in processes:
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):
                count += str(link.readlink()).startswith("socket:")
    return count


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
