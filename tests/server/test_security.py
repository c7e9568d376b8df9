"""Attacks on the Socket.IO layer, one test for each known case.

Each is tried on a server with another client. It must end in a clear error for the attacker and
one line in the log without the payload, while the other client notices nothing.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

import socketio_asgi
from socketio_asgi import Server, Socket
from socketio_asgi.protocol.parser import DefaultDecoder
from tests.support.clients import connect_engine, connect_raw
from tests.support.peer import Peer, event_packet
from tests.support.residue import Snapshot, instances
from tests.support.waiting import until

from .conftest import Serving
from .support import Connect, add_sync

MARK = "payload-of-the-attacker"
"""Part of everything that attackers send; it must not be logged."""


class Attack:
    """A server under attack, and a client who must not notice.

    Attributes:
        io: The server.
        reasons: Why sockets were disconnected.
        events: What reached a handler.
    """

    def __init__(self, connect: Connect, caplog: pytest.LogCaptureFixture, **options: Any) -> None:
        self.io = Server(**options)
        self.reasons: list[str] = []
        self.events: list[tuple[Any, ...]] = []
        self._connect = connect
        self._caplog = caplog
        add_sync(self.io)

        @self.io.on("event")
        async def event(socket: Socket, *args: Any) -> Any:
            self.events.append(args)
            return args

        @self.io.on("disconnect")
        async def disconnected(socket: Socket, reason: str) -> None:
            self.reasons.append(reason)

    async def enter(self, transport: str = "websocket", *, join: bool = True) -> Peer:
        """A client; the attacker, as a rule."""
        peer = await self._connect(self.io, transport)
        if join:
            await peer.join()
        return peer

    @asynccontextmanager
    async def witness(self, *, lines: int = 1) -> AsyncIterator[None]:
        """Another client is connected meanwhile; then so many lines have been logged."""
        peer = await self.enter()
        self._caplog.clear()
        yield
        await peer.sync()
        await self.io.emit("for everybody")
        await peer.expect("for everybody")
        assert MARK not in self._caplog.text
        logged = [
            record.getMessage()
            for record in self._caplog.records
            if record.name.startswith("socketio_asgi") and record.levelname != "DEBUG"
        ]
        assert len(logged) == lines, logged

    async def closed(self, peer: Peer) -> None:
        """The attacker has lost the connection because of a parse error."""
        await peer.ended()
        await until(lambda: self.io.engine.clients_count == 1)

    async def breaks_the_protocol(self, *packets: str | bytes) -> None:
        """These packets of a connected client must end its connection."""
        async with self.witness():
            peer = await self.enter()
            await peer.send(*packets)
            await self.closed(peer)
            await until(lambda: self.reasons)
            assert self.reasons == ["parse error"]
            assert self.events == []


@pytest.fixture(autouse=True)
def log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="socketio_asgi")


@pytest.fixture
def attack(connect: Connect, caplog: pytest.LogCaptureFixture) -> Attack:
    return Attack(connect, caplog)


def text_of(packet: str) -> str:
    """A packet in which X stands for the mark."""
    return packet.replace("X", MARK)


def test_cve_2025_61765_no_pickle() -> None:
    """What other processes or clients send is never unpickled."""
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    for path in Path(socketio_asgi.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert forbidden.isdisjoint(name.partition(".")[0] for name in names), path


@pytest.mark.runtime
async def test_cve_2026_48802_pongs_before_authentication(attack: Attack) -> None:
    async with attack.witness(lines=0):
        peer = await attack.enter(join=False)
        tasks = len(Snapshot.take().tasks)
        await peer.wire.send(*["3"] * 500)
        await peer.roundtrip()
        assert len(Snapshot.take().tasks) <= tasks + 1
        await peer.join()


@pytest.mark.parametrize("namespace", ["", "/admin,", "/nowhere,"])
async def test_cve_2026_48804_binary_before_connect(attack: Attack, namespace: str) -> None:
    attack.io.of("/admin")
    async with attack.witness():
        peer = await attack.enter(join=False)
        packet = f'51-{namespace}["event","X",{{"_placeholder":true,"num":0}}]'
        await peer.send(text_of(packet), MARK.encode())
        await attack.closed(peer)
    assert attack.events == []


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("kind", ["event", "acknowledgement"])
@pytest.mark.parametrize("namespace", ["", "/admin,", "/nowhere,"])
async def test_cve_2026_48804_no_part_is_kept_before_connect(
    attack: Attack, namespace: str, kind: str, transport: str
) -> None:
    """Neither a packet that waits for attachments, nor those that came."""
    attack.io.of("/admin")
    async with attack.witness():
        peer = await attack.enter(transport, join=False)
        head = "52-" if kind == "event" else "62-"
        number = "" if kind == "event" else "1"
        packet = f'{head}{namespace}{number}["event","X",{{"_placeholder":true,"num":0}}]'
        await peer.send(text_of(packet))
        await attack.closed(peer)
        assert not any(decoder.partial for decoder in decoders())
    assert attack.events == []


async def test_cve_2026_48804_no_part_is_kept_while_a_middleware_decides(attack: Attack) -> None:
    gate = anyio.Event()

    @attack.io.of("/admin").use
    async def middleware(socket: Socket) -> None:
        await gate.wait()

    async with attack.witness():
        peer = await attack.enter(join=False)
        await peer.send("0/admin,", text_of('52-/admin,["event","X"]'))
        await attack.closed(peer)
        gate.set()
    assert attack.events == []


@pytest.mark.runtime
async def test_cve_2026_48804_partial_packets_are_freed(attack: Attack) -> None:
    async with attack.witness(lines=0):
        peer = await attack.enter()
        await peer.send(text_of('52-["event","X",{"_placeholder":true,"num":0}]'), b"x" * 100_000)
        await until(lambda: any(decoder._attachments for decoder in decoders()))
        await peer.drop()
        await until(lambda: attack.reasons)
        assert not any(decoder._attachments or decoder.partial for decoder in decoders())
    assert attack.events == []


def decoders() -> list[DefaultDecoder]:
    return instances(DefaultDecoder)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param("2" + "9" * 400_000 + '["event","X"]', id="acknowledgement id"),
        pytest.param("5" + "9" * 400_000 + '-["event","X"]', id="attachment count"),
        pytest.param("2/" + "x" * 400_000 + ',["event","X"]', id="namespace"),
    ],
)
async def test_cve_2020_36049_digits_are_bounded(attack: Attack, packet: str) -> None:
    await attack.breaks_the_protocol(text_of(packet))


async def test_cve_2020_36049_parsing_is_linear(attack: Attack) -> None:
    async def measure(count: int) -> float:
        started = time.perf_counter()
        await peer.request("event", *["x" * 10] * count)
        return time.perf_counter() - started

    async with attack.witness(lines=0):
        peer = await attack.enter()
        await measure(1_000)
        small, large = await measure(5_000), await measure(50_000)
        assert large < 100 * small + 1  # quadratic would be worse by far


@pytest.mark.runtime
async def test_cve_2022_21676_an_exception_in_one_connection(
    attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    @attack.io.on("boom")
    async def boom(socket: Socket, *args: Any) -> None:
        raise RecursionError("too deep")

    async with attack.witness():
        peer = await attack.enter()
        (answer,) = await peer.request("boom", MARK)
        assert answer["error"]["code"] == "internal"
    assert "RecursionError" in (caplog.records[-1].exc_text or caplog.text)


@pytest.mark.parametrize(
    "number", ["-1", "1", "10000000000000000000000", "0.0", "true", '"0"', "null", "[0]", "{}"]
)
async def test_cve_2022_2421_placeholders_name_an_attachment(attack: Attack, number: str) -> None:
    packet = '51-["event","X",{"_placeholder":true,"num":NUM}]'.replace("NUM", number)
    await attack.breaks_the_protocol(text_of(packet), MARK.encode())


async def test_cve_2022_2421_placeholders_in_plain_events_are_data(attack: Attack) -> None:
    value = {"_placeholder": True, "num": -1}
    async with attack.witness(lines=0):
        peer = await attack.enter()
        assert await peer.request("event", value) == [value]


@pytest.mark.parametrize(
    "data",
    ["[]", "{}", '"event"', "[false]", "[null]", "[true]", '[["event"]]', '[{"toString":"X"}]', ""],
)
async def test_cve_2023_32695_event_names_are_text(attack: Attack, data: str) -> None:
    await attack.breaks_the_protocol(text_of("2" + data))


@pytest.mark.parametrize("name", ["error", "connection", "close", "upgrade", "__class__"])
async def test_cve_2024_38355_events_with_special_names(attack: Attack, name: str) -> None:
    async with attack.witness():  # a warning that nothing takes it
        peer = await attack.enter()
        await peer.emit(name, MARK, ack=1)
        await peer.sync()
    assert attack.events == []


@pytest.mark.parametrize("name", ["connect", "connect_error", "disconnect", "disconnecting"])
async def test_cve_2024_38355_lifecycle_events_are_out_of_reach(attack: Attack, name: str) -> None:
    await attack.breaks_the_protocol(event_packet(name, MARK))


@pytest.mark.parametrize("count", ["0", "11", "9999999999", "-1", "", "1.0", "٣"])
async def test_cve_2026_33151_the_number_of_attachments(attack: Attack, count: str) -> None:
    await attack.breaks_the_protocol(text_of(f'5{count}-["event","X"]'))


async def test_cve_2026_33151_text_instead_of_an_attachment(attack: Attack) -> None:
    packet = '52-["event","X",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    await attack.breaks_the_protocol(text_of(packet), b"first", '2["event","X"]')


async def test_cve_2026_33151_attachments_without_a_packet(attack: Attack) -> None:
    await attack.breaks_the_protocol(MARK.encode())


class TestSeenInPythonSocketIO:
    @pytest.mark.parametrize("depth", [2_000, 100_000])
    @pytest.mark.parametrize("brackets", ["[]", "{}"])
    async def test_deep_json(self, attack: Attack, depth: int, brackets: str) -> None:
        opening = brackets[0] + ('"a":' if brackets == "{}" else "")
        inner = "1" if brackets == "{}" else ""
        deep = opening * depth + inner + brackets[1] * depth
        await attack.breaks_the_protocol(f'2["event","{MARK}",{deep}]')

    async def test_many_packets_in_one_post(self, attack: Attack) -> None:
        async with attack.witness(lines=0):
            peer = await attack.enter("polling")
            await peer.send(*(event_packet("event", number) for number in range(90)))
            await until(lambda: len(attack.events) == 90)
            assert attack.events == [(number,) for number in range(90)]

    async def test_a_type_error_of_a_handler_runs_it_once(self, attack: Attack) -> None:
        calls: list[Any] = []

        @attack.io.on("strict")
        async def strict(socket: Socket, *args: Any) -> None:
            calls.append(len(args))
            raise TypeError("strict() takes 1 positional argument but 3 were given")

        async with attack.witness():
            peer = await attack.enter()
            await peer.emit("strict", MARK, 2)
            await peer.sync()
        assert calls == [2]

    async def test_the_address_of_the_client(self, attack: Attack) -> None:
        """It is that of the peer, whatever a header claims."""
        await attack.enter()
        (socket,) = attack.io.sockets.sockets.values()
        assert socket.handshake.address == "127.0.0.1"


@pytest.mark.runtime
async def test_an_idle_poller_has_a_bounded_queue(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    attack = Attack(connect, caplog, send_buffer_limit=100_000)
    async with attack.witness(lines=0):
        peer = await attack.enter("polling")  # and never polls again
        socket = attack.io.sockets.sockets[peer.id]
        for _ in range(50):
            socket.emit("chunk", "x" * 10_000)
        assert socket.conn.buffered <= 100_000
        await until(lambda: attack.reasons)
        assert attack.reasons == ["transport error"]


@pytest.mark.runtime
async def test_a_slow_consumer_does_not_keep_a_broadcast_from_others(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    attack = Attack(connect, caplog, send_buffer_limit=100_000)
    fast = await attack.enter()
    slow = await attack.enter("polling")
    for number in range(30):
        await attack.io.emit("chunk", number, "x" * 10_000)
        assert (await fast.expect("chunk"))[0] == number
    await until(lambda: attack.reasons)
    assert slow.id not in attack.io.sockets.sockets
    await fast.sync()


@pytest.mark.runtime
async def test_a_client_that_floods_is_not_read_any_further(attack: Attack) -> None:
    gate = anyio.Event()
    started: list[int] = []

    @attack.io.on("slow")
    async def slow(socket: Socket) -> None:
        started.append(1)
        await gate.wait()

    async with attack.witness(lines=0):
        peer = await attack.enter()
        async with anyio.create_task_group() as tasks:

            async def flood() -> None:
                for _ in range(2_000):
                    await peer.emit("slow")

            tasks.start_soon(flood)
            await until(lambda: len(started) == 100)
            await anyio.sleep(0.05)
            assert len(started) == 100
            gate.set()
        await until(lambda: len(started) == 2_000)


@pytest.mark.runtime
async def test_connects_are_not_kept(attack: Attack) -> None:
    """A client cannot make the server remember names by asking for them."""
    async with attack.witness(lines=0):
        peer = await attack.enter(join=False)
        await peer.send(*(f"0/{MARK}-{number}," for number in range(200)))
        for _ in range(200):
            assert (await peer.text()).startswith("4/")
        (socket,) = attack.io.sockets.sockets.values()
        assert socket.id != peer.id
    assert repr(attack.io).endswith(" 1 namespaces>")


async def test_sockets_are_counted_once_they_have_joined(attack: Attack) -> None:
    gate, entered = anyio.Event(), anyio.Event()

    @attack.io.use
    async def slow(socket: Socket) -> None:
        entered.set()
        await gate.wait()

    peer = await attack.enter(join=False)
    await peer.send("0")
    await entered.wait()
    assert len(attack.io.sockets.sockets) == 0
    await attack.io.emit("not for who has not joined")
    gate.set()
    assert (await peer.text()).startswith('0{"sid"')
    assert len(attack.io.sockets.sockets) == 1


async def test_the_private_room_of_another_client(attack: Attack) -> None:
    @attack.io.on("enter")
    async def enter(socket: Socket, room: str) -> str:
        try:
            await socket.join(room)
        except ValueError as error:
            return str(error)
        return "entered"

    victim, intruder = await attack.enter(), await attack.enter()
    assert "belongs to another socket" in (await intruder.request("enter", victim.id))[0]
    await attack.io.to(victim.id).emit("private")
    await victim.expect("private")
    await intruder.sync()


async def test_public_ids_say_nothing_about_sessions(attack: Attack) -> None:
    """Whoever knows the id of a socket cannot take its session over."""
    peer = await attack.enter("polling")
    assert peer.id != peer.sid
    assert peer.sid not in attack.io.sockets.sockets
    served_by = await attack.enter("polling")
    async with httpx.AsyncClient(trust_env=False) as http:
        url = served_by.wire.client.url  # type: ignore[attr-defined]
        query = {"EIO": "4", "transport": "polling", "sid": peer.id}
        response = await http.get(url, params=query)
    assert (response.status_code, response.json()["code"]) == (400, 1)


async def test_static_files_are_those_of_the_client(serving: Serving, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "socket.io.js").write_text("// client")
    (tmp_path / "secret").write_text(MARK)
    served = await serving(Server(serve_client=tmp_path / "dist"))
    for path in ("../secret", "..%2fsecret", "socket.io.js/../../secret"):
        async with connect_raw(served.url) as raw:
            await raw.send_request("GET", f"/socket.io/{path}")
            response = await raw.read_response()
        assert response.status in (400, 404)
        assert MARK.encode() not in response.body


@pytest.mark.runtime
async def test_who_never_joins_is_sent_away(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    attack = Attack(connect, caplog, connect_timeout=0.7)
    async with attack.witness(lines=0):
        peers = [await attack.enter(join=False) for _ in range(5)]
        for peer in peers:
            await peer.ended()
        await until(lambda: attack.io.engine.clients_count == 1)


async def test_the_number_of_clients_is_limited(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server(max_clients=2)
    served = await serving(io)
    async with connect_engine(served.url), connect_engine(served.url):
        async with httpx.AsyncClient(trust_env=False) as http:
            response = await http.get(f"{served.url}/socket.io/?EIO=4&transport=polling")
        assert response.status_code == 503
        assert json.loads(response.text)["message"] == "Too many clients"
        assert io.engine.clients_count == 2


async def test_an_origin_that_is_not_allowed(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    """CVE-2020-28481: cross-origin pages are refused on both transports, before they join."""
    io = Server()
    served = await serving(io)
    caplog.clear()
    for transport in ("polling", "websocket"):
        async with connect_raw(served.url) as raw:
            target = f"/socket.io/?EIO=4&transport={transport}"
            headers = {"Origin": "https://evil.example"}
            if transport == "websocket":
                headers |= {
                    "Upgrade": "websocket",
                    "Connection": "Upgrade",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                }
            await raw.send_head("GET", target, headers)
            response = await raw.read_response()
        assert response.status == 403
    assert caplog.text.count("Server(cors='https://evil.example')") == 2
    assert io.engine.clients_count == 0
