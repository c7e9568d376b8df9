"""What is wrong with a driver, the suite of all drivers finds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest

from socketio_asgi.adapters.cluster import Inbox, Message, asking
from socketio_asgi.adapters.cluster.message import ANSWERS
from socketio_asgi.runtime.awaitables import DONE
from socketio_asgi.testing.adapters import AdapterConformance, Cluster, waiting
from tests.support.autojump import autojump

from .loopback import Bus, LoopbackArchive, LoopbackDriver
from .test_conformance import LinkedDriver, LoopbackBroker

Patch = pytest.MonkeyPatch
queue_data, start = LoopbackDriver.queue_data, LinkedDriver.start


@pytest.fixture
def anyio_backend(each_backend: Any) -> Any:
    """Wait for nothing: all is in this process."""
    return autojump(each_backend)


@pytest.fixture(autouse=True)
def short_introductions(monkeypatch: Patch) -> None:
    """Look as the suite does, which waits for those who are longer in coming."""
    monkeypatch.setattr(asking, "GATHER_SECONDS", 0.02)


def loses_rooms(patch: Patch) -> None:
    def queue(driver: LoopbackDriver, message: Message, data: bytes, position: str) -> None:
        if message.room is None and message.namespace in driver.namespaces:
            driver.queue_data(data, position)

    patch.setattr(LoopbackDriver, "queue", queue)


def changes_the_order(patch: Patch) -> None:
    def reordered(driver: LoopbackDriver, data: bytes, position: str) -> None:
        queue_data(driver, data, position)
        driver._queue.rotate(1)

    patch.setattr(LoopbackDriver, "queue_data", reordered)


def delivers_twice(patch: Patch) -> None:
    def twice(driver: LoopbackDriver, data: bytes, position: str) -> None:
        queue_data(driver, data, position)
        queue_data(driver, data, position)

    patch.setattr(LoopbackDriver, "queue_data", twice)


def hides_nonsense(patch: Patch) -> None:
    def well_formed(driver: LoopbackDriver, data: bytes, position: str) -> None:
        with suppress(Exception):
            driver.bus.wire.decode(data)
            queue_data(driver, data, position)

    patch.setattr(LoopbackDriver, "queue_data", well_formed)


def leaves_a_task(patch: Patch) -> None:
    async def started(driver: LinkedDriver, inbox: Inbox) -> bool:
        inbox.runtime.start_background(anyio.sleep(waiting.WAIT_SECONDS + 10))
        return await start(driver, inbox)

    patch.setattr(LinkedDriver, "start", started)


def opens_no_later_namespace(patch: Patch) -> None:
    async def opened(driver: LinkedDriver, name: str) -> None:
        if name != "/late":
            driver.namespaces.add(name)

    patch.setattr(LinkedDriver, "open_namespace", opened)


def never_answers(patch: Patch) -> None:
    def respond(driver: LoopbackDriver, server: str, message: Message) -> Awaitable[None]:
        if message.type not in ANSWERS:
            driver.bus.send(driver, message, server)
        return DONE

    patch.setattr(LoopbackDriver, "respond", respond)


def has_no_ids(patch: Patch) -> None:
    def queued(driver: LoopbackDriver, data: bytes, position: str) -> None:
        queue_data(driver, data, None)  # type: ignore[arg-type]

    patch.setattr(LoopbackDriver, "queue_data", queued)


def hides_gaps(patch: Patch) -> None:
    async def started(driver: LinkedDriver, inbox: Inbox) -> bool:
        await start(driver, inbox)
        return False

    patch.setattr(LinkedDriver, "start", started)


def reads_nothing_again(patch: Patch) -> None:
    patch.setattr(LinkedDriver, "_read_again", lambda driver, position: True)


def forgets_rooms(patch: Patch) -> None:
    def created(driver: LinkedDriver, namespace: str, room: str) -> Awaitable[None]:
        if not driver._link.cuts:
            driver.rooms.add((namespace, room))
        return DONE

    patch.setattr(LinkedDriver, "room_created", created)


def gives_sockets_away_twice(patch: Patch) -> None:
    async def take(archive: LoopbackArchive, namespace: str, pid: str) -> bool:
        return (namespace, pid) in archive.saved

    patch.setattr(LoopbackArchive, "take", take)


def takes_any_position(patch: Patch) -> None:
    patch.setattr(LoopbackArchive, "latest", lambda archive, *positions: max(positions))


def mixes_clusters(patch: Patch) -> None:
    bus = Bus()
    patch.setattr(LoopbackBroker, "bus", lambda broker, key: bus)


def does_nothing_wrong(patch: Patch) -> None: ...


POSITIONS = {"positions": True}
ROOMS = {"subscribes_rooms": True, "private_rooms": True}
DEFECTS: list[tuple[Callable[[Patch], None], dict[str, Any], str]] = [
    (loses_rooms, {}, "test_an_event_for_a_room"),
    (changes_the_order, {}, "test_events_come_in_order"),
    (delivers_twice, {}, "test_an_event_reaches_all_clients"),
    (hides_nonsense, {}, "test_nonsense_is_counted"),
    (opens_no_later_namespace, {}, "test_a_namespace_that_is_made_later"),
    (never_answers, {}, "test_all_sockets_are_found"),
    (hides_gaps, {}, "test_events_to_a_server_that_is_cut_off"),
    (reads_nothing_again, POSITIONS, "test_events_to_a_server_that_is_cut_off"),
    (forgets_rooms, ROOMS, "test_a_connection_that_breaks_is_made_again"),
    (mixes_clusters, {}, "test_clusters_of_two_names_do_not_mix"),
    (does_nothing_wrong, {"max_payload": 10**8}, "test_an_event_as_large_as_possible"),
    (has_no_ids, {"at_least_once": True}, "test_messages_that_come_twice"),
    (gives_sockets_away_twice, POSITIONS, "test_an_archive_gives_a_socket_away_once"),
    (takes_any_position, POSITIONS, "test_positions_that_are_none"),
]
"""What is wrong, the traits of the broker, and a test that fails."""


class Positions(AdapterConformance):
    recovers = True


@pytest.mark.parametrize(("defect", "traits", "test"), DEFECTS)
async def test_a_defect(
    defect: Callable[[Patch], None], traits: dict[str, Any], test: str, monkeypatch: Patch
) -> None:
    options = {"connection_state_recovery": True} if traits.get("positions") else {}
    arguments = {"monkeypatch": monkeypatch} if "twice" in test else {}
    with monkeypatch.context() as patch:
        defect(patch)
        broker = LoopbackBroker("python", traits)
        async with Cluster(broker, server_options=options, request_timeout=0.5) as cluster:
            with pytest.raises((AssertionError, pytest.fail.Exception)):
                await getattr(Positions(), test)(cluster, **arguments)


async def test_a_task_that_is_left(monkeypatch: Patch) -> None:
    leaves_a_task(monkeypatch)
    with pytest.raises(AssertionError, match="tasks are left"):
        await AdapterConformance().test_a_server_that_ends_leaves_nothing(
            LoopbackBroker("python", {})
        )
