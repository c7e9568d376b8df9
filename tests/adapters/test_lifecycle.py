"""The life of adapters: started in the loop, retried, closed, and begun anew in another loop."""

from __future__ import annotations

import logging
import os
import random
from typing import Any

import anyio
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import (
    Adapter,
    AdapterLifecycle,
    AdapterObserver,
    AdapterProvider,
    AdapterState,
    LocalNamespace,
    MemoryAdapter,
    NotRetryable,
)
from socketio_asgi.adapters import (
    life as life_module,
)
from socketio_asgi.adapters.provider import AdapterHost
from tests.support.background import background
from tests.support.serving import unwrapped
from tests.support.waiting import until

from .loopback import Bus
from .support import FakeNamespace, FakeServer, ManualClock, make_target, open_runtime, quiet

pytestmark = pytest.mark.runtime

IDLE, STARTING, READY = AdapterState.IDLE, AdapterState.STARTING, AdapterState.READY
AWAY, CLOSING, CLOSED = AdapterState.AWAY, AdapterState.CLOSING, AdapterState.CLOSED


class Provider(AdapterProvider):
    """A provider that fails as it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False
        self.close_hangs = False
        self.events: list[str] = []
        self.hosts: list[AdapterHost] = []

    def __call__(self, namespace: LocalNamespace) -> Adapter:
        return MemoryAdapter(namespace)

    async def start(self, host: AdapterHost) -> None:
        self.events.append("start")
        self.hosts.append(host)
        await anyio.lowlevel.checkpoint()
        if self.hangs:
            await anyio.sleep_forever()
        if self.error is not None:
            raise self.error
        self.events.append("started")

    async def close(self) -> None:
        self.events.append("close")
        if self.close_hangs:
            await anyio.sleep_forever()
        self.events.append("closed")


class Observer(AdapterObserver):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def broadcast(self, namespace: str, recipients: int) -> None:
        self.seen.append((namespace, recipients))

    def adapter_state(self, state: AdapterState, error: Exception | None) -> None:
        self.seen.append(state if error is None else (state, error))

    def messages_dropped(self, reason: str, count: int) -> None:
        self.seen.append((reason, count))


async def reach(life: AdapterLifecycle, state: AdapterState) -> None:
    await until(lambda: life.status.state is state)


async def test_the_states(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "socketio_asgi.server")
    provider, observer = Provider(), Observer()
    life = AdapterLifecycle(provider, observer)
    assert life.status.state is IDLE
    life.begin(clock)
    assert life.status.state is STARTING
    assert life.status.since == clock.time
    await life.started()
    assert life.status.state is READY
    life.begin(clock)  # once more
    lost = ConnectionError("gone")
    provider.error = ConnectionError("still gone")
    clock.advance(3)
    provider.hosts[0].lost(lost)
    assert (life.status.state, life.status.since, life.status.error) == (AWAY, clock.time, lost)
    provider.error = None
    clock.advance(1)
    await reach(life, READY)
    await life.close()
    assert life.status.state is CLOSED
    await life.close()
    assert provider.events == ["start", "started"] * 2 + ["close", "closed"]
    assert observer.seen == [STARTING, READY, (AWAY, lost), READY, CLOSING, CLOSED]
    assert [record.getMessage() for record in caplog.records] == [
        "the adapter is starting",
        "the adapter is ready",
        "the adapter is away: ConnectionError('gone')",
        "the adapter is ready",
        "the adapter is closing",
        "the adapter is closed",
    ]


async def test_attempts_are_repeated_with_growing_delays(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0
        longest.append(high)
        return high

    monkeypatch.setattr(random, "uniform", uniform)
    provider = Provider()
    provider.error = ConnectionRefusedError("down")
    life = AdapterLifecycle(provider)
    life.begin(clock)
    for number in range(1, 9):
        await until(lambda: len(longest) == number)  # noqa: B023
        clock.advance(longest[-1])
    assert longest == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    provider.error = None
    clock.advance(5)
    await reach(life, READY)
    # A broker that does not stay is asked no sooner; one that did, at once.
    for stable, expected in ((1.0, 5.0), (life_module.STABLE_SECONDS, 0.1)):
        clock.advance(stable)
        provider.hosts[-1].lost(ConnectionError("again"))
        assert longest[-1] == expected
        clock.advance(5)
        await reach(life, READY)
    await life.close()


async def test_the_start_is_not_waited_for_without_end(clock: ManualClock) -> None:
    provider = Provider()
    provider.hangs = True
    life = AdapterLifecycle(provider)
    life.begin(clock)
    async with background(life.started, 5) as waiting:
        await until(lambda: clock.timers == 1)
        assert not waiting.done
        clock.advance(5)
        await waiting.wait()
    assert life.status.state is STARTING
    await life.close()
    assert provider.events == ["start", "close", "closed"]


async def test_no_further_attempt(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    provider = Provider()
    provider.error = NotRetryable("the password is wrong")
    life = AdapterLifecycle(provider)
    life.begin(clock)
    with pytest.raises(NotRetryable, match="the password is wrong"):
        await life.started()
    assert life.status.state is CLOSED
    assert clock.timers == 0
    assert caplog.records[-1].levelno == logging.ERROR
    await life.close()
    assert provider.events == ["start", "close", "closed"]


async def test_a_loss_during_the_start(clock: ManualClock) -> None:
    class Early(Provider):
        async def start(self, host: AdapterHost) -> None:
            await super().start(host)
            if len(self.hosts) == 1:
                host.lost(ConnectionError("at once"))

    provider = Early()
    life = AdapterLifecycle(provider)
    life.begin(clock)
    await reach(life, AWAY)
    clock.advance(1)
    await reach(life, READY)
    assert len(provider.hosts) == 2
    await life.close()


async def test_closing_has_a_limit(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life_module, "CLOSE_SECONDS", 0.05)
    provider = Provider()
    provider.close_hangs = True
    life = AdapterLifecycle(provider)
    life.begin(clock)
    await life.started()
    with anyio.fail_after(5):
        await life.close()
    assert life.status.state is CLOSED


async def test_closing_while_it_is_away(clock: ManualClock) -> None:
    provider = Provider()
    provider.error = ConnectionRefusedError("down")
    life = AdapterLifecycle(provider)
    life.begin(clock)
    await reach(life, AWAY)
    await life.close()
    clock.advance(60)
    await quiet(Bus())
    assert provider.events == ["start", "close", "closed"]
    provider.hosts[0].lost(ConnectionError("late"))
    assert life.status.state is CLOSED


async def test_errors_while_closing(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Provider):
        async def close(self) -> None:
            raise ValueError("broken")

    life = AdapterLifecycle(Broken())
    life.begin(clock)
    await life.started()
    await life.close()
    assert "cannot be closed" in caplog.text


class Slow(MemoryAdapter):
    """An adapter for itself, which takes its time to close."""

    closing = 0
    closed = 0

    async def close(self) -> None:
        Slow.closing += 1
        await until(lambda: Slow.closing == 3)  # so not one after another
        Slow.closed += 1


async def test_adapters_for_themselves_close_together(clock: ManualClock) -> None:
    Slow.closing = Slow.closed = 0
    life = AdapterLifecycle(Slow)
    adapters = [life.adapter_for(FakeNamespace(name)) for name in ("/", "/a", "/b", "/c")]
    Slow.closing = 2
    await life.release(adapters.pop())
    assert (Slow.closing, Slow.closed) == (3, 1)
    Slow.closing = Slow.closed = 0
    life.begin(clock)
    assert life.status.state is READY
    await life.started()
    await life.close()
    assert Slow.closed == 3
    assert life.status.state is CLOSED


async def test_observers_may_come_later(clock: ManualClock) -> None:
    bus = Bus()
    server = FakeServer(bus, clock)
    await server.start()
    server.main.add("a")
    server.emit("unseen")
    server.life.observer = observer = Observer()
    server.emit("seen")
    server.core.dropped("a reason")
    namespace = FakeNamespace("/later", runtime=clock)
    adapter = server.life.adapter_for(namespace)
    adapter.broadcast(namespace.packet("seen"), make_target())
    server.ask("seen")
    assert observer.seen == [("/", 1), ("a reason", 1), ("/later", 0), ("/", 1)]
    server.life.observer = None
    server.emit("unseen")
    assert len(observer.seen) == 4
    await server.life.close()


# -- several loops -------------------------------------------------------------------------------


def run(backend: str, function: Any, *args: Any) -> None:
    anyio.run(function, *args, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_another_loop_begins_anew(backend: str) -> None:
    bus = Bus()
    provider = bus.adapter()
    life = AdapterLifecycle(provider)
    ids: list[str] = []

    async def once(close: bool) -> None:
        async with open_runtime() as runtime:
            life.begin(runtime)
            await life.started()
            assert life.status.state is READY
            ids.append(provider.core.server_id)
            bus.drivers.clear()  # what an earlier loop had cannot be closed in this one
            if close:
                await life.close()

    for close in (False, True, True):
        run(backend, once, close)
    assert len(set(ids)) == 3
    assert bus.starts == 3


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_another_runtime_of_the_same_loop(anyio_backend: str) -> None:
    provider = Provider()
    life = AdapterLifecycle(provider)
    async with open_runtime() as one, open_runtime() as two:
        assert one is not two
        life.begin(one)
        await life.started()
        life.begin(two)
        assert provider.events == ["start", "started"]
        await life.close()
        life.begin(one)
        assert life.status.state is CLOSED  # closed is closed, for what comes late
        life.begin(two)
        await life.started()
        assert life.status.state is READY
        await life.close()


async def test_closing_in_another_loop(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    life = AdapterLifecycle(provider)
    life.begin(clock)
    await life.started()
    monkeypatch.setattr(clock, "is_current", lambda: False)
    await life.close()
    assert provider.events == ["start", "started"]
    assert life.status.state is CLOSED


async def test_a_fork_after_the_start(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider()
    life = AdapterLifecycle(provider)
    life.begin(clock)
    await life.started()
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    monkeypatch.setattr(clock, "is_current", lambda: False)
    async with open_runtime() as other:
        with pytest.raises(RuntimeError, match="before this process was forked"):
            life.begin(other)
    monkeypatch.undo()
    await life.close()
    # Neither a server that has ended nor one without a broker minds.
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    for earlier in (life, AdapterLifecycle(MemoryAdapter)):
        async with open_runtime() as other:
            earlier.begin(other)
            await earlier.started()
            await earlier.close()


# -- in a server -----------------------------------------------------------------------------------


async def test_the_lifespan_of_a_server() -> None:
    provider = Provider()
    io = Server(adapter=provider)
    io.of("/chat")
    assert provider.events == []
    async with io.lifespan():
        assert provider.events == ["start", "started"]
        io.of("/later")
    assert provider.events == ["start", "started", "close", "closed"]


async def test_a_server_that_cannot_start() -> None:
    provider = Provider()
    provider.error = NotRetryable("wrong URL")
    lifespan = Server(adapter=provider).lifespan()
    with pytest.raises(NotRetryable, match="wrong URL"), unwrapped():
        await lifespan.__aenter__()


async def test_a_server_whose_broker_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life_module, "START_SECONDS", 0.05)
    bus = Bus()
    bus.error = ConnectionRefusedError("down")
    io = bus.server()
    async with io.lifespan():
        bus.error = None
        await until(lambda: bus.drivers)


def test_a_provider_is_made_without_a_loop() -> None:
    Server(adapter=Bus().adapter())
