"""Requests that come to another worker than the one that has their session, one by one."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel
import h11
import httpx
import pytest

from tests.support.certificates import make_certificate
from tests.support.clients import connect_websocket
from tests.support.processes import BOTH_PATHS, ServerProcess
from tests.support.rawhttp import connect_raw
from tests.support.waiting import until

from .support import (
    kill,
    open_sessions,
    path_of,
    poll,
    post,
    processes_of,
    settled,
    short_folder,
    sockets_of,
    trusting,
    worker_of,
    workers,
)

certificate = pytest.fixture(scope="module")(make_certificate)


KINDS: Final = {
    "uvicorn": ("uvicorn",),
    "fast": ("uvicorn-fast",),
    "fast-h11": ("uvicorn-fast", "--http", "tests.http.support:OursOnH11", "--loop", "asyncio"),
}


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """Three workers, on the plain path and on the fast one."""
    name, *options = KINDS[request.param]
    with workers(name, "io", *options, count=3) as running:
        yield running


async def join(server: ServerProcess) -> tuple[str, str]:
    """Two sessions of different workers, which are connected to the main namespace."""
    first, second = await open_sessions(server)
    assert worker_of(first) != worker_of(second)
    for sid in (first, second):
        async with connect_raw(server.url) as connection:
            assert await post(connection, sid, "40") == 200
            status, packets = await poll(connection, sid)
            assert (status, packets[:2]) == (200, "40")
    return first, second


async def test_one_connection_for_sessions_of_all_workers(server: ServerProcess) -> None:
    """As a proxy has it, which keeps its connections open."""
    sids = await join(server)
    async with connect_raw(server.url) as connection:
        for number in range(10):
            for sid in sids:
                assert await post(connection, sid, f'42{number}["echo","{sid}"]') == 200
                assert await poll(connection, sid) == (200, f'43{number}["{sid}"]')


async def test_the_end_of_a_poll_that_waits(server: ServerProcess) -> None:
    for sid in await join(server):
        async with connect_raw(server.url) as waiting, connect_raw(server.url) as connection:
            await waiting.send_head("GET", path_of(sid))
            await anyio.lowlevel.checkpoint()
            assert await post(connection, sid, '420["echo",1]') == 200
            response = await waiting.read_response()
            assert (response.status, response.body) == (200, b"430[1]")


async def test_a_client_that_leaves_its_poll(server: ServerProcess) -> None:
    """The owner hears of it, wherever the poll came."""
    for sid in await join(server):
        async with connect_raw(server.url) as waiting:
            await waiting.send_head("GET", path_of(sid))
            await anyio.sleep(0.1)  # nothing shows that it is there by now

        async def is_gone(sid: str = sid) -> bool:
            async with connect_raw(server.url) as connection:
                return (await post(connection, sid, "3")) == 400

        await until(is_gone)


async def test_a_head_in_pieces(server: ServerProcess) -> None:
    for sid in await join(server):
        async with connect_raw(server.url) as connection:
            head = f"POST {path_of(sid)} HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n"
            body = '420["echo",12]'
            for at in (5, len(head) - 60, len(head) - 1):
                await connection.send(head[:at].encode())
                await anyio.sleep(0.02)  # so that they are segments of their own
                await connection.send((head[at:] + body).encode())
                assert (await connection.read_response()).status == 200
                assert await poll(connection, sid) == (200, "430[12]")


async def test_requests_in_one_segment(server: ServerProcess) -> None:
    first, second = await join(server)
    async with connect_raw(server.url) as connection:
        requests = ""
        for sid in (first, second, first):
            body = '420["echo",1]'
            requests += f"POST {path_of(sid)} HTTP/1.1\r\nHost: x\r\n"
            requests += f"Content-Length: {len(body)}\r\n\r\n{body}"
        await connection.send(requests.encode())
        for _ in range(3):
            response = await connection.read_response()
            assert (response.status, response.body) == (200, b"ok")


@pytest.mark.parametrize("size", [100_000, 900_000])
async def test_a_large_message(server: ServerProcess, size: int) -> None:
    """Whose beginning alone comes with the head."""
    for sid in await join(server):
        async with connect_raw(server.url) as connection:
            text = "x" * size
            assert await post(connection, sid, f'420["echo","{text}"]') == 200
            assert await poll(connection, sid) == (200, f'430["{text}"]')


async def test_a_message_that_is_too_large(server: ServerProcess) -> None:
    for sid in await join(server):
        async with connect_raw(server.url) as connection:
            assert await post(connection, sid, "4" + "x" * 1_000_001) == 413


async def test_binary(server: ServerProcess) -> None:
    data = base64.b64encode(bytes(range(256))).decode()
    packet = '451-0["echo",{"_placeholder":true,"num":0}]'
    for sid in await join(server):
        async with connect_raw(server.url) as connection:
            assert await post(connection, sid, f"{packet}\x1eb{data}") == 200
            status, answer = await poll(connection, sid)
            assert status == 200
            assert f"b{data}" in answer


async def test_websockets(server: ServerProcess) -> None:
    """Which come to any worker, and carry large messages both ways."""
    text, data = "ä" * 200_000, b"\x00\xff" * 200_000
    for sid in await join(server):
        async with connect_websocket(server.url + path_of(sid, transport="websocket")) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            for number in range(10):
                await ws.send(f'42{number}["echo","{text}"]')
            for number in range(10):
                assert await ws.receive() == f'43{number}["{text}"]'
            await ws.send('451-0["echo",{"_placeholder":true,"num":0}]')
            await ws.send(data)
            assert await ws.receive() == '461-0[{"_placeholder":true,"num":0}]'
            assert await ws.receive() == data
            await ws.send("1")
            await ws.receive_close()


BAD_SIDS: dict[str, Callable[[str], str]] = {
    "of nobody": lambda sid: "A" * len(sid),
    "made up": lambda sid: sid[:4] + "A" * 16,
    "short": lambda sid: sid[:10],
    "long": lambda sid: sid * 20,
    "not base64": lambda sid: sid[:4] + "%" * 16,
    "empty": lambda _: "%20",
}


@pytest.mark.parametrize("kind", BAD_SIDS)
async def test_an_id_that_was_made_up(server: ServerProcess, kind: str) -> None:
    for sid in await open_sessions(server, 3):
        async with connect_raw(server.url) as connection:
            status, answer = await poll(connection, BAD_SIDS[kind](sid))
            assert (status, json.loads(answer)["code"]) == (400, 1)


async def test_an_id_of_a_session_that_has_ended(server: ServerProcess) -> None:
    for sid in await join(server):
        async with connect_raw(server.url) as connection:
            assert await post(connection, sid, "1") == 200
            status, answer = await poll(connection, sid)
            assert (status, json.loads(answer)["code"]) == (400, 1)


async def test_what_an_origin_may_read(server: ServerProcess) -> None:
    """The headers are those of one worker, and there once."""
    for sid in await join(server):
        async with connect_raw(server.url) as connection:
            await connection.send_request("POST", path_of(sid), b"3", {"Origin": "http://x.test"})
            assert (await connection.read_response()).status == 403
            origin = server.url
            await connection.send_request("POST", path_of(sid), b"3", {"Origin": origin})
            response = await connection.read_response()
            assert response.status == 200
            names = [name for name, _ in response.headers]
            assert len(names) == len(set(names))


# -- the end of a worker ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH_PATHS)
async def test_requests_of_a_worker_that_is_killed(name: str) -> None:
    """All of them are over at once, and the ones that follow are answered."""
    with workers(name, count=3) as server:
        first, _ = await join(server)
        pid = await pid_of(server, first)
        async with connect_raw(server.url) as waiting:
            await waiting.send_head("GET", path_of(first))
            await anyio.sleep(0.2)  # nothing shows that it is there by now
            await kill(server, pid)
            try:
                response = await waiting.read_response(5)
            except (EOFError, h11.RemoteProtocolError):  # the connection was with that worker
                pass
            else:
                assert (response.status, json.loads(response.body)["code"]) == (400, 1)

        async def is_unknown() -> bool:
            async with connect_raw(server.url) as connection:
                try:
                    status, answer = await poll(connection, first)
                except (EOFError, h11.RemoteProtocolError):  # the worker had accepted it
                    return False
                return (status, json.loads(answer)["code"]) == (400, 1)

        await until(is_unknown)


async def pid_of(server: ServerProcess, sid: str) -> int:
    async with connect_raw(server.url) as connection:
        assert await post(connection, sid, '420["pid"]') == 200
        status, packets = await poll(connection, sid)
        assert status == 200
        return int(json.loads(packets.removeprefix("430"))[0])


async def test_a_worker_that_stands_still() -> None:
    """Its clients wait, and those of the others do not."""
    with workers("uvicorn-fast", count=3) as server:
        first, second = await join(server)
        pid = await pid_of(server, first)
        os.kill(pid, signal.SIGSTOP)
        try:
            async with connect_raw(server.url) as waiting:
                await waiting.send_request("POST", path_of(first), b'420["echo",1]')
                for number in range(20):
                    async with connect_raw(server.url) as connection:
                        assert await post(connection, second, f'42{number}["echo",1]') == 200
                        assert await poll(connection, second) == (200, f"43{number}[1]")
                os.kill(pid, signal.SIGCONT)
                assert (await waiting.read_response()).body == b"ok"
            async with connect_raw(server.url) as connection:
                assert await poll(connection, first) == (200, "430[1]")
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("name", BOTH_PATHS)
async def test_a_worker_that_ends(name: str) -> None:
    """Its clients are told, it ends at once, and another one is there in its place."""
    with workers(name, count=3) as server:
        first, second = await join(server)
        pid = await pid_of(server, first)
        async with connect_raw(server.url) as waiting:
            await waiting.send_head("GET", path_of(first))
            await anyio.sleep(0.2)  # nothing shows that it is there by now
            os.kill(pid, signal.SIGTERM)
            response = await waiting.read_response()
            assert (response.status, response.body) == (200, b"1")
        await until(lambda: not is_running(pid), 4)
        async with connect_raw(server.url) as connection:
            status, answer = await poll(connection, first)
            assert (status, json.loads(answer)["code"]) == (400, 1)
            assert await post(connection, second, '420["echo",1]') == 200
            assert await poll(connection, second) == (200, "430[1]")
        await until(lambda: len(list(server.folder.glob("*/*/*.sock"))) == 3, 20)
        assert "Traceback" not in server.output


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


# -- other surroundings ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH_PATHS)
async def test_inside_another_application(name: str) -> None:
    """Also behind a middleware that wants an answer."""
    with workers(name, "app_in_app", count=3, ready_path="/pid") as server:
        sids = await join(server)
        async with connect_raw(server.url) as connection:
            for sid in sids:
                assert await post(connection, sid, '420["echo",1]') == 200
                assert await poll(connection, sid) == (200, "430[1]")
            await connection.send_request("GET", "/pid")
            assert (await connection.read_response()).status == 200
        assert server.output == ""


async def test_nothing_is_left() -> None:
    """Of connections that went to other workers, wherever they have ended."""
    with workers("uvicorn-fast", count=3) as server:
        sids = await join(server)
        before = await settled(lambda: sockets_of(processes_of(server)))
        for _ in range(10):
            async with connect_raw(server.url) as connection:
                for sid in sids:
                    assert await post(connection, sid, "3") == 200
        assert await settled(lambda: sockets_of(processes_of(server))) == before


async def test_a_unix_socket() -> None:
    """On which a proxy reaches the workers."""
    with short_folder() as folder:
        path = folder / "server"
        with workers("uvicorn-fast", "io", "--uds", str(path), count=3, uds=path):
            transport = httpx.AsyncHTTPTransport(uds=str(path))
            async with httpx.AsyncClient(transport=transport, base_url="http://workers") as http:
                sids = []
                for _ in range(12):
                    async with httpx.AsyncClient(
                        transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://workers"
                    ) as other:
                        answer = await other.get("/socket.io/?EIO=4&transport=polling")
                        sids.append(json.loads(answer.text[1:])["sid"])
                for sid in sids:
                    assert (await http.post(path_of(sid), content="40")).status_code == 200
                    assert (await http.get(path_of(sid))).text.startswith("40")
                request = '420["counters"]'
                assert (await http.post(path_of(sids[0]), content=request)).status_code == 200
                counters = (await http.get(path_of(sids[0]))).text
                assert "passed on" not in counters
                assert ("handed over" in counters) == (len({sid[:4] for sid in sids}) > 1)


async def test_tls(certificate: Path) -> None:
    """Its state cannot be handed over, so requests are passed on."""
    options = ("--ssl-certfile", str(certificate))
    with workers("uvicorn-fast", "io", *options, count=3, tls=True) as server:
        url = server.url.replace("http:", "https:")
        async with httpx.AsyncClient(base_url=url, verify=trusting()) as http:
            for number in range(8):
                answer = await http.get("/socket.io/?EIO=4&transport=polling")
                sid = json.loads(answer.text[1:])["sid"]
                for body in ("40", f'420["echo",{number}]'):
                    async with httpx.AsyncClient(base_url=url, verify=trusting()) as other:
                        assert (await other.post(path_of(sid), content=body)).status_code == 200
                received = ""
                while f"430[{number}]" not in received:
                    async with httpx.AsyncClient(base_url=url, verify=trusting()) as other:
                        received += (await other.get(path_of(sid))).text
        assert server.output == ""


async def test_sessions_before_another_worker_came() -> None:
    """Ids that do not say whose they are are told to a worker that comes later."""
    with workers("uvicorn-fast", "io_with_own_ids", count=3) as server:
        first, second = await join(server)
        async with connect_raw(server.url) as connection:
            assert await post(connection, second, '420["pid"]') == 200
            await kill(
                server, json.loads((await poll(connection, second))[1].removeprefix("430"))[0]
            )
        async with httpx.AsyncClient(base_url=server.url) as http:
            # The replacement serves some of these.
            for _ in range(30):
                try:
                    answer = await http.post(path_of(first), content='420["echo",1]')
                except httpx.HTTPError:
                    continue
                assert answer.status_code == 200
