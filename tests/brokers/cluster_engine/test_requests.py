"""Requests of one client that come to several servers, one by one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters.cluster_engine.relayed import WINDOW
from socketio_asgi.engine.delayed_start import MAX_DELAYED_PACKETS
from socketio_asgi.engine.transports.base import PACKETS_PER_TURN
from tests.brokers.redis.servers import RedisProcess
from tests.support.backends import serves
from tests.support.clients import PollingClient, WebSocketRejected, connect_websocket, polling
from tests.support.waiting import until
from tests.support.websocket import WebSocketClient

from .support import Sharing, client_of, share

pytestmark = [pytest.mark.runtime, serves]


@pytest.fixture
def start(redis_server: RedisProcess, prefix: str) -> Any:
    """Serve servers that share sessions."""
    return partial(share, redis_server.url, prefix)


def is_polled(sharing: Sharing, sid: str | None) -> bool:
    """True while a poll of a session of the first server waits, wherever it is."""
    session = sharing.session(0, sid or "")
    return session is not None and session.transport.writable


@asynccontextmanager
async def upgraded(
    sharing: Sharing, clients: list[PollingClient], number: int = 1
) -> AsyncIterator[WebSocketClient]:
    """A WebSocket of the client at a server, to which it has moved on."""
    url = sharing.urls[number].replace("http", "ws", 1)
    target = f"{url}/socket.io/?EIO=4&transport=websocket&sid={clients[0].sid}"
    async with connect_websocket(target) as ws:
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        yield ws


# -- polling ---------------------------------------------------------------------------------------


async def test_polls_and_packets_at_any_server(start: Any) -> None:
    async with start(count=3) as sharing, client_of(sharing) as clients:
        for number in range(9):
            await clients[number % 3].post(f'42{number}["echo",{number}]')
            assert await clients[(number + 1) % 3].poll() == [f"43{number}[{number}]"]
        await clients[1].post(
            '451-["say",{"_placeholder":true,"num":0}]', b"\x00\xff", '42["say",1]'
        )
        await until(lambda: sharing.heard[0] == ["connect", b"\x00\xff", 1])
        sharing.servers[0].emit("more", b"\x01")
        sharing.servers[0].emit("and more")
        answers = await clients[2].poll()
        if len(answers) < 3:  # the second may have come later
            answers += await clients[2].poll()
        assert answers[1:] == [b"\x01", '42["and more"]']
        assert [server.engine.clients_count for server in sharing.servers] == [1, 0, 0]
        assert sharing.health(0).dropped == {}


async def test_a_poll_that_waits_elsewhere(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        async with polling(clients[1]) as answer:
            await until(lambda: is_polled(sharing, clients[0].sid))
            await until(lambda: sharing.health(1).held == 1)
            sharing.servers[0].emit("one")
            sharing.servers[0].emit("two")
        assert answer == ['42["one"]', '42["two"]'], "not what was sent in one turn of the loop"
        assert sharing.health(1).held == 0


async def test_the_newest_poll_counts(start: Any) -> None:
    """A retry by a proxy, perhaps, whose first server is lost to it."""
    async with start(count=3) as sharing, client_of(sharing) as clients:
        async with polling(clients[1]) as first:
            await until(lambda: is_polled(sharing, clients[0].sid))
            async with polling(clients[2]) as second:
                await until(lambda: first != [])
                await until(lambda: is_polled(sharing, clients[0].sid))
                # Here it is the overlap that it always was, but costs nothing.
                assert (await clients[0].request("GET")).status_code == 400
                sharing.servers[0].emit("news")
        assert (first, second) == (["6"], ['42["news"]'])
        await clients[1].post('42["say",1]')
        await until(lambda: sharing.heard[0] == ["connect", 1])


async def test_no_poll_elsewhere_while_one_waits_here(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        async with polling(clients[0]) as answer:
            await until(lambda: is_polled(sharing, clients[0].sid))
            assert (await clients[1].request("GET")).status_code == 400
            sharing.servers[0].emit("kept")
        assert answer == ['42["kept"]']


async def test_a_client_that_leaves_its_poll(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        with anyio.move_on_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(clients[1].poll)
                await until(lambda: is_polled(sharing, clients[0].sid))
                tasks.cancel_scope.cancel()
        await until(lambda: sharing.heard[0] == ["connect", "transport error"])
        assert sharing.session(0, clients[0].sid or "") is None


@pytest.mark.parametrize(
    ("body", "status"), [("4" * 2000, 413), ("nonsense", 400)], ids=["large", "bad"]
)
async def test_a_bad_body(start: Any, body: str, status: int) -> None:
    async with start(max_http_buffer_size=1000) as sharing, client_of(sharing) as clients:
        response = await clients[1].request("POST", content=body)
        assert response.status_code == status
        await until(lambda: sharing.heard[0] == ["connect", "transport error"])


async def test_the_client_closes_the_session(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        async with polling(clients[1]) as answer:
            await until(lambda: is_polled(sharing, clients[0].sid))
            await clients[1].post("1")
        assert answer == ["6"]
        await until(lambda: sharing.heard[0] == ["connect", "transport close"])
        assert (await clients[1].request("GET")).json()["code"] == 1


async def test_the_server_closes_the_session(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        async with polling(clients[1]) as answer:
            await until(lambda: is_polled(sharing, clients[0].sid))
            sharing.servers[0].disconnect_sockets(close=True)
        assert answer == ["41"]
        assert await clients[1].poll() == ["1"]
        assert (await clients[1].request("GET")).json()["code"] == 1


async def test_a_slow_handler_holds_the_packets_back_everywhere(start: Any) -> None:
    async with start(max_events_in_flight=1) as sharing:
        io: Server = sharing.servers[0]
        go_on = anyio.Event()

        @io.on("wait")
        async def wait(socket: Socket) -> None:
            await go_on.wait()

        async with client_of(sharing) as clients:
            await clients[1].post('42["wait"]', '42["say",1]')
            async with anyio.create_task_group() as tasks:
                done: list[int] = []

                async def post() -> None:
                    await clients[1].post('42["say",2]')
                    done.append(1)

                tasks.start_soon(post)
                # It is answered when its packets are taken, as at the server of the session.
                with anyio.move_on_after(0.2):
                    await until(lambda: bool(done))
                assert not done
                go_on.set()
            await until(lambda: sharing.heard[0] == ["connect", 1, 2])


async def test_pings(start: Any) -> None:
    async with (
        start(ping_interval=0.1, ping_timeout=1.0) as sharing,
        client_of(sharing, joins=False) as clients,
    ):
        for number in range(4):
            assert await clients[number % 2].poll() == ["2"]
            await clients[(number + 1) % 2].post("3")


# -- WebSocket -------------------------------------------------------------------------------------


async def test_an_early_websocket_takes_the_session_along(start: Any) -> None:
    async with start() as sharing, client_of(sharing, joins=False) as clients:
        sid = clients[0].sid or ""
        await clients[0].post("40")  # nobody hears of it yet
        async with upgraded(sharing, clients) as ws:
            assert str(await ws.receive()).startswith("40")
            await ws.send('420["echo",1]')
            assert await ws.receive() == "430[1]"
            assert sharing.heard == [[], ["connect"]]
            assert sharing.session(0, sid) is None
            session = sharing.session(1, sid)
            assert session is not None
            assert session.transport.name == "websocket"
            assert [server.engine.clients_count for server in sharing.servers] == [0, 1]
        await until(lambda: sharing.heard == [[], ["connect", "transport close"]])
        assert sharing.health(1).counters["sessions taken over"] == 1


async def test_what_is_under_way_moves_along(start: Any) -> None:
    """Packets that came before the upgrade, and those that come right behind it."""
    async with (
        start(ping_interval=0.1, engine={"delayed_connection_timeout": 5.0}) as sharing,
        client_of(sharing, joins=False) as clients,
    ):
        await clients[1].post("40")
        await clients[0].post('42["say",1]')
        session = sharing.session(0, clients[0].sid or "")
        assert session is not None
        await until(lambda: session.buffered > 0)  # a PING, which nobody fetches
        url = sharing.urls[1].replace("http", "ws", 1)
        target = f"{url}/socket.io/?EIO=4&transport=websocket&sid={clients[0].sid}"
        async with connect_websocket(target) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await ws.send('42["say",2]')
            await ws.send('42["say",3]')
            assert await ws.receive() == "2"
            assert str(await ws.receive()).startswith("40")
            await until(lambda: sharing.heard == [[], ["connect", 1, 2, 3]])


async def test_a_late_websocket_is_passed_on(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        sid = clients[0].sid or ""
        async with upgraded(sharing, clients) as ws:
            await ws.send('420["echo",1]')
            assert await ws.receive() == "430[1]"
            sharing.servers[0].emit("binary", b"\x07")
            assert await ws.receive() == '451-["binary",{"_placeholder":true,"num":0}]'
            assert await ws.receive() == b"\x07"
            await ws.send('451-["say",{"_placeholder":true,"num":0}]')
            await ws.send(b"\x08")
            await until(lambda: sharing.heard[0] == ["connect", b"\x08"])
            session = sharing.session(0, sid)
            assert session is not None
            assert session.transport.name == "websocket"
            # Nothing else comes to the old transport.
            assert (await clients[1].request("GET")).status_code == 400
        await until(lambda: sharing.heard == [["connect", b"\x08", "transport close"], []])
        assert sharing.health(1).held == 0


async def test_the_server_closes_a_websocket_elsewhere(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients, upgraded(sharing, clients) as ws:
        await ws.send('420["echo",1]')
        assert await ws.receive() == "430[1]"
        sharing.servers[0].disconnect_sockets(close=True)
        assert await ws.receive() == "41"
        await ws.receive_close()
        await until(lambda: sharing.health(1).held == 0)
        await until(lambda: sharing.session(0, clients[0].sid or "") is None)


async def test_the_poll_that_waits_is_ended_before_an_upgrade(start: Any) -> None:
    async with (
        start(engine={"noop_upgrade_interval": 0.01}) as sharing,
        client_of(sharing) as clients,
        polling(clients[1]) as answer,
    ):
        await until(lambda: is_polled(sharing, clients[0].sid))
        url = sharing.urls[1].replace("http", "ws", 1)
        target = f"{url}/socket.io/?EIO=4&transport=websocket&sid={clients[0].sid}"
        async with connect_websocket(target) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await until(lambda: answer == ["6"])
            await ws.send("5")
            sharing.servers[0].emit("there")
            assert await ws.receive() == '42["there"]'


async def test_an_upgrade_that_fails_elsewhere(start: Any) -> None:
    """The session stays where it was, and may try again."""
    async with start() as sharing, client_of(sharing) as clients:
        for nonsense in ("4hello", "2other", "x"):
            url = sharing.urls[1].replace("http", "ws", 1)
            target = f"{url}/socket.io/?EIO=4&transport=websocket&sid={clients[0].sid}"
            async with connect_websocket(target) as ws:
                session = sharing.session(0, clients[0].sid or "")
                assert session is not None
                assert session.is_moving
                await ws.send(nonsense)
                await ws.receive_close()
            await until(lambda: not session.is_moving)  # noqa: B023
        await clients[1].post('42["say",1]')
        async with upgraded(sharing, clients) as ws:
            await ws.send('42["say",2]')
            await until(lambda: sharing.heard[0] == ["connect", 1, 2])


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_client_that_leaves_during_its_handshake(start: Any, cancelled: bool) -> None:
    """Whichever way the ASGI server tells of it."""
    async with start() as sharing, client_of(sharing) as clients:
        session = sharing.session(0, clients[0].sid or "")
        assert session is not None
        began = anyio.Event()
        scope = {
            "type": "websocket",
            "path": "/socket.io/",
            "query_string": f"EIO=4&transport=websocket&sid={session.id}".encode(),
            "headers": [],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            began.set()
            if not cancelled:
                raise OSError("the client has left")
            await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sharing.servers[1], scope, receive, send)
            await began.wait()
            tasks.cancel_scope.cancel()
        await until(lambda: not session.is_moving)
        assert sharing.health(1).held == 0
        async with upgraded(sharing, clients) as ws:
            await ws.send('42["say",1]')
            await until(lambda: sharing.heard[0] == ["connect", 1])


async def test_only_one_upgrade_at_a_time(start: Any) -> None:
    async with (
        start(count=3) as sharing,
        client_of(sharing) as clients,
        upgraded(sharing, clients) as ws,
    ):
        await ws.send('42["say",1]')
        await until(lambda: sharing.heard[0] == ["connect", 1])
        with pytest.raises(WebSocketRejected) as caught:
            async with upgraded(sharing, clients, 2):
                pass
        assert caught.value.status in {400, 403}  # not every ASGI server can say why


async def test_a_client_that_takes_nothing_holds_up_its_session_alone(start: Any) -> None:
    """What is under way counts against the limit of the session, like what waits in it."""
    limit = 4 * WINDOW
    async with (
        start(send_buffer_limit=limit) as sharing,
        client_of(sharing) as clients,
        upgraded(sharing, clients) as ws,
    ):
        await ws.send('42["say",1]')
        await until(lambda: sharing.heard[0] == ["connect", 1])
        session = sharing.session(0, clients[0].sid or "")
        assert session is not None
        sent, piece = 0, "x" * 100_000
        with anyio.fail_after(20):
            while sharing.session(0, clients[0].sid or "") is session:
                sharing.servers[0].emit("much", piece)
                sent += len(piece)
                await anyio.sleep(0.001)
                assert sent < 200 * 1024 * 1024
        await until(lambda: sharing.heard[0] == ["connect", 1, "transport error"])


async def test_a_client_that_sends_much_is_held_up_by_its_handlers(start: Any) -> None:
    async with start(max_events_in_flight=1) as sharing:
        io: Server = sharing.servers[0]
        go_on = anyio.Event()

        @io.on("wait")
        async def wait(socket: Socket) -> None:
            await go_on.wait()

        async with client_of(sharing) as clients, upgraded(sharing, clients) as ws:
            await ws.send('42["wait"]')
            count, piece = 40, "x" * 50_000
            async with anyio.create_task_group() as tasks:

                async def flood() -> None:
                    for _ in range(count):
                        await ws.send(f'42["say","{piece}"]')

                tasks.start_soon(flood)
                with anyio.move_on_after(0.3):
                    await until(lambda: sharing.heard[0] != ["connect"])
                assert sharing.heard[0] == ["connect"]
                go_on.set()
            await until(lambda: len(sharing.heard[0]) == 1 + count)
            assert sharing.health(0).dropped == {}


# -- the delay -------------------------------------------------------------------------------------

LONG = {"delayed_connection_timeout": 60.0}


async def test_a_server_that_is_alone_delays_nothing(start: Any) -> None:
    async with start(count=1, engine=LONG) as sharing, PollingClient(sharing.urls[0]) as client:
        await client.open()
        await client.post("40")
        await until(lambda: sharing.heard[0] == ["connect"])


async def test_the_application_hears_of_a_session_after_the_delay(start: Any) -> None:
    async with start(engine={"delayed_connection_timeout": 0.05}) as sharing:
        seen: list[str] = []
        io: Server = sharing.servers[0]

        @io.engine.on("connection")
        def on_connection(session: Any) -> None:
            seen.append(session.id)

        async with client_of(sharing, joins=False) as clients:
            assert seen == []
            await clients[0].post("40", '42["say",1]')
            await until(lambda: sharing.heard[0] == ["connect", 1])
            assert seen == [clients[0].sid]


async def test_a_client_that_says_much_is_heard_at_once(start: Any) -> None:
    async with start(engine=LONG) as sharing, client_of(sharing, joins=False) as clients:
        await clients[0].post("40")
        await clients[1].post(*(f'42["say",{number}]' for number in range(MAX_DELAYED_PACKETS)))
        await until(lambda: sharing.heard[0] == ["connect", *range(MAX_DELAYED_PACKETS)])


async def test_more_than_a_turn_of_packets_keeps_its_order(start: Any) -> None:
    count = 3 * PACKETS_PER_TURN
    async with (
        start(engine=LONG, max_events_in_flight=10_000) as sharing,
        client_of(sharing, joins=False) as clients,
    ):
        await clients[0].post("40", *(f'42["say",{number}]' for number in range(count)))
        await until(lambda: sharing.heard[0] == ["connect", *range(count)])


async def test_an_upgrade_here_ends_the_delay(start: Any) -> None:
    async with start(engine=LONG) as sharing, client_of(sharing, joins=False) as clients:
        await clients[0].post("40")
        async with upgraded(sharing, clients, 0) as ws:
            assert str(await ws.receive()).startswith("40")
            assert sharing.heard[0] == ["connect"]


async def test_a_client_that_leaves_within_the_delay_was_there(start: Any) -> None:
    """What it has said is handled, as on a server that is alone."""
    async with start(engine=LONG) as sharing, client_of(sharing, joins=False) as clients:
        await clients[1].post("40", '42["say",1]', "1")
        await until(lambda: sharing.heard[0] == ["connect", 1, "transport close"])


async def test_no_delay_where_nothing_can_move(start: Any) -> None:
    options: list[dict[str, Any]] = [
        {"transports": ["polling"]},
        {"allow_upgrades": False},
        {"engine": {"delayed_connection_timeout": 0}},
    ]
    for more in options:
        async with start(**{"engine": LONG, **more}) as sharing, client_of(sharing) as clients:
            await clients[1].post('42["say",1]')
            await until(lambda: sharing.heard[0] == ["connect", 1])


# -- admission -------------------------------------------------------------------------------------


async def test_a_session_moves_only_where_its_request_is_allowed(start: Any) -> None:
    """The handshake that handlers see is that of the WebSocket, which nobody has looked at yet."""

    def allow_request(request: Any) -> bool:
        return bool(request.header(b"x-key") == "good" or request.sid == "")

    async with (
        start(allow_request=allow_request) as sharing,
        client_of(sharing, joins=False) as clients,
    ):
        response = await clients[1].request("GET", query={"transport": "websocket"})
        assert response.status_code == 400
        url = sharing.urls[1].replace("http", "ws", 1)
        target = f"{url}/socket.io/?EIO=4&transport=websocket&sid={clients[0].sid}"
        with pytest.raises(WebSocketRejected):
            async with connect_websocket(target):
                pass
        async with connect_websocket(target, headers={"x-key": "good"}) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"


async def test_requests_that_fit_no_session_ask_nobody(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        before = dict(sharing.health(0).counters)
        for method, query in (
            ("PUT", {}),
            ("GET", {"transport": "websocket"}),
            ("GET", {"EIO": "9"}),
        ):
            response = await clients[1].request(method, query=query)
            assert response.status_code == 400
        assert sharing.health(0).counters == before
        assert sharing.health(1).counters.get("late answers", 0) == 0
        assert (await clients[1].request("GET", query={"EIO": "3"})).status_code == 400


async def test_ids_of_the_application(start: Any) -> None:
    def generate_id(request: Any) -> str:
        return f"mine/{os.urandom(8).hex()}"

    async with start(generate_id=generate_id) as sharing, client_of(sharing) as clients:
        for number in range(4):
            await clients[number % 2].post(f'42{number}["echo",{number}]')
            assert await clients[(number + 1) % 2].poll() == [f"43{number}[{number}]"]


# -- the end of a server ---------------------------------------------------------------------------


async def test_a_server_that_ends_lets_the_polls_of_others_go(start: Any) -> None:
    """Its clients go on at the others: nothing of their sessions was here."""
    async with start() as sharing, client_of(sharing) as clients:
        async with polling(clients[1]) as answer:
            await until(lambda: is_polled(sharing, clients[0].sid))
            sharing.servers[1].engine.__socketio__.shut_down()
        assert answer == ["6"]
        # Nor does one wait that a balancer sends there meanwhile.
        assert await clients[1].poll() == ["6"]
        sharing.servers[0].emit("still there")
        assert await clients[0].poll() == ['42["still there"]']


async def test_the_sessions_of_a_server_end_with_it(start: Any) -> None:
    async with start() as sharing, client_of(sharing) as clients:
        async with polling(clients[1]) as answer:
            await until(lambda: is_polled(sharing, clients[0].sid))
            await sharing.servers[0].close()
        assert answer == ["1"]
        await until(lambda: sharing.health(1).members == 1)
        response = await clients[1].request("GET")
        assert (response.status_code, response.json()["code"]) == (400, 1)
