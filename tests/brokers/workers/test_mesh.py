"""The workers of one start: how they find one another, and what disturbs them."""

from __future__ import annotations

import array
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import WorkersAdapter
from socketio_asgi.brokers.mesh import FrameKind, PlaceError
from socketio_asgi.brokers.mesh.link import _HEAD, MAX_FRAME, MAX_UNSENT
from socketio_asgi.brokers.mesh.place import find_place, prepare
from tests.support.waiting import until

from .support import Intruder, Worker, open_mesh, open_runtime, short_folder

pytestmark = pytest.mark.runtime

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


async def test_each_worker_is_connected_with_every_other() -> None:
    async with open_mesh("a", "b", "c", "d") as (_, place, workers):
        for number in range(100):
            for worker in workers:
                assert worker.say(f"{worker.mesh.node.hex()} {number}".encode()) == [True] * 3
        await until(lambda: all(len(worker.heard) == 300 for worker in workers))
        for worker in workers:
            for other in workers:
                if other is not worker:
                    sender = other.mesh.node.hex().encode()
                    heard = [line for line in worker.heard if line.startswith(sender)]
                    assert heard == [b"%s %d" % (sender, number) for number in range(100)]
        files = {path.name for path in place.iterdir() if path.suffix == ".sock"}
        assert files == {f"{worker.mesh.node.hex()}.sock" for worker in workers}
        assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
        assert place.stat().st_mode & 0o777 == 0o700


async def test_they_may_come_all_at_once() -> None:
    async with open_mesh() as (runtime, place, _):
        workers = [Worker(runtime, place) for _ in range(6)]
        for number, worker in enumerate(workers):
            runtime.start_background(worker.mesh.start(str(number)))
        await until(lambda: all(len(worker.names) == 5 for worker in workers))
        assert workers[0].names == {"1", "2", "3", "4", "5"}
        for worker in workers:
            worker.mesh.close()


async def test_the_end_of_a_worker_is_noticed() -> None:
    async with open_mesh("a", "b", "c") as (runtime, place, (first, second, third)):
        second.mesh.close()
        await until(lambda: first.left == third.left == ["b"])
        replacement = Worker(runtime, place)
        await replacement.mesh.start("d")
        assert replacement.names == {"a", "c"}
        await until(lambda: first.names == {"c", "d"})
        replacement.mesh.close()
        third.mesh.close()
        await until(lambda: first.names == set())
        first.mesh.close()
        assert not place.exists()


async def test_a_socket_that_nobody_has_is_removed() -> None:
    async with open_mesh("a") as (runtime, place, (first,)):
        path = place / "abcdef.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(str(path))
        second = Worker(runtime, place)
        await second.mesh.start("b")
        assert second.names == {"a"}
        assert not path.exists()
        assert sum(first.mesh.counters.values()) == 0
        second.mesh.close()


async def test_connections_that_break_are_made_again() -> None:
    async with open_mesh("a", "b") as (_, _, (first, second)):
        first.peer("b").send(FrameKind.HELLO, b"again")  # which is no frame for a second time
        await until(lambda: second.left == ["a"] and first.left == ["b"])
        assert second.mesh.counters == {"connections that were cut off": 1}
        await until(lambda: second.names == {"a"} and first.names == {"b"})
        first.say(b"hello")
        await until(lambda: second.heard == [b"hello"])


async def test_alone() -> None:
    async with open_runtime() as runtime:
        worker = Worker(runtime, None)
        await worker.mesh.start("a")
        assert (worker.mesh.ready, worker.names, worker.say(b"hi")) == (True, set(), [])
        worker.mesh.close()


# -- what others send ----------------------------------------------------------------------------


def carry(intruder: Intruder, number: int, data: bytes) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * number))]
    intruder.sock.sendmsg([data], rights)


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def frame(kind: int, data: bytes) -> bytes:
    return _HEAD.pack(len(data) + 1, kind) + data


BAD: dict[str, Callable[[Intruder, Worker], Any]] = {
    "junk": lambda it, _: it.sock.send(b"GET / HTTP/1.1\r\n\r\n"),
    "no greeting": lambda it, _: it.send(FrameKind.MESSAGE, b"hello"),
    "no JSON": lambda it, _: it.send(FrameKind.HELLO, b"\xff"),
    "no object": lambda it, _: it.send(FrameKind.HELLO, b"[]"),
    "another version": lambda it, _: it.greet(version=99),
    "no name": lambda it, _: it.greet(name=1),
    "a long name": lambda it, _: it.greet(name="x" * 65),
    "a long id": lambda it, _: it.greet(node="00000000"),
    "no id": lambda it, _: it.greet(node="zz"),
    "the id of the worker": lambda it, worker: it.greet(node=worker.mesh.node.hex()),
    "an id in use": lambda it, worker: it.greet(node=next(iter(worker.mesh.peers)).hex()),
    "an empty frame": lambda it, _: it.sock.send(bytes(5)),
    "a large frame": lambda it, _: it.sock.send(_HEAD.pack(MAX_FRAME + 1, 1)),
    "an unknown kind": lambda it, _: it.greet().send(200, b""),
    "a descriptor": lambda it, _: carry(it.greet(), 1, frame(FrameKind.MESSAGE, b"hi")),
    "many descriptors": lambda it, _: carry(it.greet(), 200, b"\0"),
    "no descriptor": lambda it, _: it.greet().send(FrameKind.HANDOVER, bytes(8)),
    "no socket": lambda it, _: carry(it.greet(), 1, frame(FrameKind.HANDOVER, bytes(8))),
    "no answer": lambda it, _: it.greet().send(FrameKind.HANDOVER_ANSWER, b"x"),
    "an answer to nothing": lambda it, _: it.greet().send(FrameKind.HANDOVER_ANSWER, bytes(5)),
    "no ids": lambda it, _: it.greet().send(FrameKind.SESSIONS, b"[1, 2]"),
    "ids that are none": lambda it, _: it.greet().send(FrameKind.SESSIONS, b"[[1], []]"),
    "one list": lambda it, _: it.greet().send(FrameKind.SESSIONS, b"[[]]"),
    "a short request": lambda it, _: it.greet().send(FrameKind.RELAY, b"x"),
    "a request of nothing": lambda it, _: it.greet().send(FrameKind.RELAY, b"\0\0\0\1\x80{}"),
    "a bad event": lambda it, _: (
        it.greet()
        .send(FrameKind.RELAY, b'\0\0\0\1\x80{"type":"http","headers":[],"extensions":[]}')
        .send(FrameKind.RELAY, b"\0\0\0\1\x81{}")
    ),
}


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_worker_is_cut_off(kind: str) -> None:
    async with open_mesh("a", "b") as (_, place, (first, second)):
        before = descriptors()
        with Intruder(place, first) as intruder:
            BAD[kind](intruder, first)
            await until(intruder.is_cut_off)
        assert first.mesh.counters == {"connections that were cut off": 1}
        # The others are as they were, and nothing is left.
        assert second.say(b"still here") == [True]
        await until(lambda: first.heard[-1:] == [b"still here"])
        await until(lambda: first.names == {"b"})
        await until(lambda: descriptors() == before)


async def test_one_that_says_nothing_disturbs_nobody() -> None:
    async with open_mesh("a") as (runtime, place, (first,)):
        with Intruder(place, first):
            second = Worker(runtime, place)
            await second.mesh.start("b")
            assert second.names == {"a"}
            second.mesh.close()
            await until(lambda: first.left == ["b"])


async def test_a_worker_that_does_not_read() -> None:
    async with open_mesh("a", "b") as (_, place, (first, second)):
        with Intruder(place, first) as intruder:
            intruder.greet()
            await until(lambda: first.names == {"b", "intruder"})
            piece = bytes(1024 * 1024)
            for _ in range(2 * MAX_UNSENT // len(piece)):
                if not first.peer("intruder").send(FrameKind.MESSAGE, piece):
                    break
            else:
                pytest.fail("everything is kept")
            # The others get everything meanwhile.
            assert first.peer("b").send(FrameKind.MESSAGE, piece)
            await until(lambda: second.heard == [piece])
        await until(lambda: first.left == ["intruder"])


@as_root
async def test_another_user_is_refused() -> None:
    """Also one who got into the folder."""
    async with open_mesh("a") as (_, place, (first,)):
        path = place / f"{first.mesh.node.hex()}.sock"
        for entry in (place.parent, place, path):
            entry.chmod(0o777)
        script = (
            "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
            "s.connect(sys.argv[1]); sys.stdout.buffer.write(s.recv(100))"
        )
        done = await anyio.run_process([sys.executable, "-I", "-c", script, str(path)])
        assert (done.returncode, done.stdout) == (0, b"")
        assert first.mesh.counters == {"connections of other users, or too many": 1}


async def test_folders_of_starts_that_were_killed_are_removed() -> None:
    with short_folder() as folder:
        common = folder / f"socketio-asgi-{os.getuid()}"
        common.mkdir(mode=0o700)
        (common / "dead").mkdir(mode=0o700)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(str(common / "dead" / "abcdef.sock"))
        async with open_runtime() as runtime:
            first, second = Worker(runtime, common / "one"), Worker(runtime, common / "two")
            await first.mesh.start("a")
            await second.mesh.start("b")
            assert {path.name for path in common.iterdir()} == {"one", "two"}
            assert first.names == second.names == set()
            first.mesh.close()
            second.mesh.close()


# -- the folder ----------------------------------------------------------------------------------


def test_a_folder_that_others_may_use_is_refused() -> None:
    with short_folder() as folder:
        place = folder / "mesh"
        place.mkdir()
        place.chmod(0o750)
        with pytest.raises(PlaceError, match="its mode has to be 0700"):
            prepare(place)


def test_a_link_is_refused() -> None:
    with short_folder() as folder:
        (folder / "own").mkdir(mode=0o700)
        place = folder / "mesh"
        place.symlink_to(folder / "own")
        with pytest.raises(PlaceError, match="is no folder"):
            prepare(place)


@as_root
def test_a_folder_of_somebody_else_is_refused() -> None:
    with short_folder() as folder:
        place = folder / "mesh"
        place.mkdir(mode=0o700)
        os.chown(place, 65534, 65534)
        with pytest.raises(PlaceError, match="belongs to the user 65534"):
            prepare(place)


def test_the_folder_of_all_starts_is_checked_too() -> None:
    with short_folder() as folder:
        common = folder / f"socketio-asgi-{os.getuid()}"
        (folder / "trap").mkdir(mode=0o700)
        common.symlink_to(folder / "trap")
        with pytest.raises(PlaceError, match="is no folder"):
            prepare(common / "0123456789abcdef")


def test_a_file_is_refused() -> None:
    with short_folder() as folder:
        place = folder / "mesh"
        place.write_text("")
        with pytest.raises(PlaceError, match="cannot be made"):
            prepare(place)


async def test_a_path_that_is_too_long() -> None:
    with short_folder() as folder:
        async with open_runtime() as runtime:
            worker = Worker(runtime, folder / ("x" * 100))
            with pytest.raises(PlaceError, match="too long"):
                await worker.mesh.start("a")
            worker.mesh.close()


LOOK = """
import os, sys
from socketio_asgi.brokers.mesh import find_place
print(find_place(None, os.environ))
"""


def look(*passed: socket.socket, **environment: str) -> str:
    """What a child that inherits some sockets takes for its folder."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        pass_fds=[sock.fileno() for sock in passed],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def bound(*, listening: bool = True) -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    if listening:
        sock.listen()
    return sock


def test_the_folder_follows_from_what_the_workers_share() -> None:
    with bound(listening=False) as ours, bound() as other, short_folder() as folder:
        found = look(ours, XDG_RUNTIME_DIR=str(folder))
        assert Path(found).parent == folder / f"socketio-asgi-{os.getuid()}"
        assert look(ours, XDG_RUNTIME_DIR=str(folder)) == found
        # Another start has other sockets, whatever its parent is.
        assert look(other, XDG_RUNTIME_DIR=str(folder)) != found
        assert look(ours, other, XDG_RUNTIME_DIR=str(folder)) != found


def test_a_process_that_inherits_nothing_is_alone() -> None:
    with bound() as listening:
        client = socket.create_connection(listening.getsockname())
        with client, socket.socket() as unbound:
            assert look(client, unbound) == look() == "None"


def test_what_a_process_has_bound_itself_does_not_count() -> None:
    with bound():
        assert find_place(None, {}) is None


def test_a_named_folder() -> None:
    assert find_place("/run/mine", {}) == Path("/run/mine")
    assert find_place(None, {"SOCKETIO_ASGI_WORKERS": "/run/theirs"}) == Path("/run/theirs")
    assert find_place(Path("mine"), {"SOCKETIO_ASGI_WORKERS": "/run/theirs"}) == Path.cwd() / "mine"


@pytest.mark.parametrize("backend", [("asyncio", {}), ("asyncio", {"use_uvloop": True})])
def test_a_server_that_comes_to_another_event_loop(backend: tuple[str, dict[str, Any]]) -> None:
    """What an event loop has left behind, which nobody has closed, is gone then."""
    name, options = backend
    with short_folder() as folder:
        io = Server(adapter=WorkersAdapter(path=folder / "mesh"))

        def sockets() -> int:
            return len(list(folder.glob("mesh/*.sock")))

        async def begin() -> None:
            io.engine.__socketio__.bound()
            await until(lambda: sockets() == 1)

        async def live() -> None:
            async with io.lifespan():
                assert sockets() == 1

        anyio.run(anyio.lowlevel.checkpoint, backend=name, backend_options=options)
        before = descriptors()  # with those that the first event loop leaves open
        anyio.run(begin, backend=name, backend_options=options)
        anyio.run(live, backend=name, backend_options=options)
        assert sockets() == 0
        anyio.run(live, backend="trio")
        anyio.run(live, backend=name, backend_options=options)
        assert sockets() == 0
        assert descriptors() <= before


NO_UNIX_SOCKETS = """
import anyio, os, socket, sys

for name in ("CMSG_SPACE", "SO_PEERCRED", "SCM_RIGHTS"):
    delattr(socket, name)
for name in ("getuid", "geteuid"):
    delattr(os, name)
sys.modules["fcntl"] = None
from socketio_asgi import Server
from socketio_asgi.adapters import NotRetryable, WorkersAdapter

async def main():
    del socket.AF_UNIX  # which event loops need, while they are made
    io = Server(adapter=WorkersAdapter())
    try:
        async with io.lifespan():
            pass
    except NotRetryable as error:
        print(error)

anyio.run(main)
"""


def test_a_platform_without_unix_sockets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_UNIX_SOCKETS], capture_output=True, text=True, check=True
    )
    assert "needs Unix sockets" in done.stdout
