"""The adapter in memory, and its log for clients who come back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import (
    ConnectionStateRecovery,
    MemoryAdapter,
    MemoryLog,
)
from socketio_asgi.events.acks import AckCollector

from .support import FakeNamespace, ManualClock, make_target, open_runtime

RECOVERY = ConnectionStateRecovery(max_disconnection_duration=60)


def make(**options: Any) -> tuple[FakeNamespace, MemoryAdapter]:
    namespace = FakeNamespace(**options)
    namespace.adapter = adapter = MemoryAdapter(namespace)
    return namespace, adapter


def test_it_reaches_this_process_alone() -> None:
    _, adapter = make()
    assert not adapter.reaches_other_processes


def test_nothing_of_the_users_level_raises() -> None:
    # Who may join which room was checked where it was asked for.
    namespace, adapter = make()
    namespace.add("a")
    namespace.add("b")
    adapter.sockets_join(make_target(), ["a", "red"])
    assert adapter.rooms_of("a") == {"red"}
    assert adapter.rooms_of("b") == {"a", "red"}
    assert sorted(adapter.rooms_with_members()) == ["a", "red"]
    adapter.sockets_leave(make_target(), ["a", "unknown"])
    assert adapter.rooms_of("b") == {"red"}
    assert adapter.has_members("red")
    assert adapter.has_members("a")
    assert not adapter.has_members("blue")


ROOMS = ["red", "blue", "a", "b", "empty"]


@given(
    st.dictionaries(st.sampled_from("abcd"), st.sets(st.sampled_from(ROOMS))),
    st.sets(st.sampled_from("abcd"), max_size=1),
    st.sets(st.sampled_from(ROOMS)),
    st.sets(st.sampled_from(ROOMS)),
)
def test_those_that_are_meant(
    joined: dict[str, set[str]], connecting: set[str], rooms: set[str], excluded: set[str]
) -> None:
    namespace, adapter = make()
    for sid, names in joined.items():
        namespace.add(sid, *names)
    for sid in connecting:
        namespace.sockets.pop(sid, None)  # a middleware has let it join rooms already
    target = make_target(sorted(rooms), sorted(excluded))
    expected = [sid for sid in namespace.sockets if target.includes(joined[sid] | {sid})]
    assert sorted(recipient.id for recipient in adapter.recipients(target)) == sorted(expected)


async def test_acknowledgements(clock: ManualClock) -> None:
    namespace, adapter = make(runtime=clock)
    one, two = namespace.add("a"), namespace.add("b")
    acks = AckCollector(clock, "question", 60)
    adapter.broadcast_with_ack(namespace.packet("question", id=7), make_target(), acks)
    assert one.numbers == two.numbers == [7]
    one.answer(1)
    two.answer(2)
    assert await acks.wait() == [1, 2]


async def test_an_adapter_that_reports_nothing(clock: ManualClock) -> None:
    acks = AckCollector(clock, "question", 60)
    clock_timer = clock.call_later(0, acks._done.set)  # as if the time was over
    clock.advance(0)
    clock_timer.cancel()
    with pytest.raises(TimeoutError) as caught:
        await acks.wait()
    assert getattr(caught.value, "silent_servers", None) == 1


# -- the log -------------------------------------------------------------------------------------


def log_of(adapter: MemoryAdapter) -> MemoryLog:
    assert isinstance(adapter.log, MemoryLog)
    return adapter.log


def lose(namespace: FakeNamespace, adapter: MemoryAdapter, sid: str) -> None:
    log_of(adapter).lose(sid, f"pid of {sid}", None)
    adapter.leave_all(sid)
    del namespace.sockets[sid]


async def missed(
    adapter: MemoryAdapter, sid: str, offset: str | None = None
) -> list[list[Any]] | None:
    restored = await log_of(adapter).find(f"pid of {sid}", offset)
    packets = None if restored is None else await restored.claim()
    if packets is None:
        return None
    decoder = adapter.namespace.parser.decoder()
    decoded = [decoder.add((packet.text or "")[1:]) for (packet,) in packets]
    return [packet.data for packet in decoded if packet is not None]


def test_without_recovery_there_is_none() -> None:
    assert make()[1].log is None
    namespace = FakeNamespace(recovery=RECOVERY)
    assert MemoryAdapter(namespace, recovers=False).log is None


async def test_time_is_that_of_the_event_loop(clock: ManualClock) -> None:
    namespace, adapter = make(recovery=RECOVERY, runtime=clock)
    for seconds, found in ((59, []), (61, None)):
        namespace.add("a")
        lose(namespace, adapter, "a")
        assert log_of(adapter).kept_for() == 60
        clock.advance(seconds)
        assert log_of(adapter).kept_for() == max(0, 60 - seconds)
        assert await missed(adapter, "a") == found


async def test_another_event_loop_has_another_clock(clock: ManualClock) -> None:
    namespace, adapter = make(recovery=RECOVERY, runtime=clock)
    namespace.add("a")
    lose(namespace, adapter, "a")
    clock.advance(30)
    adapter.broadcast(namespace.packet("missed"), make_target())
    async with open_runtime() as runtime:
        later = ManualClock(runtime)
        later.time = 5.0  # a clock may begin anywhere
        namespace.runtime = later
        later.advance(29)
        assert log_of(adapter).kept_for() == pytest.approx(30)
        later.advance(29)
        assert log_of(adapter).kept_for() == pytest.approx(1)
        events = await missed(adapter, "a")
        assert events is not None
        assert [event[0] for event in events] == ["missed"]


async def test_before_any_event_loop() -> None:
    namespace, adapter = make(recovery=RECOVERY)
    adapter.broadcast(namespace.packet("event"), make_target())
    assert log_of(adapter).kept_for() == 0


async def test_nothing_from_before_it_connected(clock: ManualClock) -> None:
    namespace, adapter = make(recovery=RECOVERY, runtime=clock)
    before = log_of(adapter).position()
    adapter.broadcast(namespace.packet("before"), make_target())
    namespace.add("a")
    lose(namespace, adapter, "a")
    adapter.broadcast(namespace.packet("missed"), make_target())
    events = await missed(adapter, "a", before)
    assert events is not None
    assert [event[0] for event in events] == ["missed"]


async def test_offsets_are_text_for_everybody_else(clock: ManualClock) -> None:
    namespace, adapter = make(recovery=RECOVERY, runtime=clock)
    socket = namespace.add("a")
    adapter.broadcast(namespace.packet("event"), make_target())
    assert socket.heard == [["event", log_of(adapter).position()]]


async def test_a_state_is_claimed_once(clock: ManualClock) -> None:
    namespace, adapter = make(recovery=RECOVERY, runtime=clock)
    namespace.add("a")
    lose(namespace, adapter, "a")
    one = await log_of(adapter).find("pid of a", None)
    two = await log_of(adapter).find("pid of a", None)
    assert one is not None
    assert two is not None
    assert await one.claim() == []
    assert await two.claim() is None
