"""Fixtures of the tests with real brokers: official servers and clients in Node processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from socketio_asgi.adapters.cluster import outbox
from socketio_asgi.testing.adapters import AdapterConformance
from socketio_asgi.testing.adapters.questions import Questions, ServerEvents
from socketio_asgi.testing.adapters.sockets import Sockets
from tests.support.groups import ALL, keep
from tests.support.node import install_node_modules

from .interop.clients import Clients
from .interop.servers import NodeServers

ProcessT = TypeVar("ProcessT", NodeServers, Clients)
FOLDER = Path(__file__).parent

IN_COMMON: Final = (Questions, ServerEvents, Sockets)
"""Parts of the suite of drivers that are about what is above them.

A driver publishes a question and hands answers in, whatever is asked. So in a group each of these
tests runs on every third driver with the whole suite, and each driver runs every third of them.
Each form of messages has all of them nevertheless: those that most drivers have in
``tests/adapters/test_conformance.py``, that of the three clouds on one of these, that of Redis with
its class for these tests alone.
"""

THIRD: Final = 3


@pytest.hookimpl(trylast=True)  # without the variants
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.group == ALL:
        return
    found: list[Any] = items
    drivers = list(dict.fromkeys(item.cls for item in found if _is_in_common(item)))
    tests = sorted({name for part in IN_COMMON for name in dir(part)})

    def is_due(item: Any) -> bool:
        return (drivers.index(item.cls) + tests.index(item.originalname)) % THIRD == 0

    keep(config, items, {item for item in items if not _is_in_common(item) or is_due(item)})


def _is_in_common(item: Any) -> bool:
    if not item.path.is_relative_to(FOLDER):  # the hook is given all items
        return False
    whole = item.cls is not None and issubclass(item.cls, AdapterConformance)
    return whole and any(hasattr(part, item.originalname) for part in IN_COMMON)


@pytest.fixture(scope="session")
def official_adapters() -> Path:
    """Need Node and the npm packages of ``tests/brokers``; returns their folder."""
    return install_node_modules(FOLDER)


@pytest.fixture(scope="session")
def processes(official_adapters: Path) -> Iterator[dict[type[Any], Any]]:
    """The Node processes of all tests."""
    started: dict[type[Any], Any] = {}
    yield started
    for item in started.values():
        item.node.close()


@pytest.fixture
def patient_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let events wait for a broker as long as a busy machine may need to connect again."""
    monkeypatch.setattr(outbox, "KEEP_SECONDS", 20.0)


@pytest.fixture
def node_servers(processes: dict[type[Any], Any]) -> NodeServers:
    """Official servers, in one Node process for all tests, as long as it does not crash."""
    return _running(processes, NodeServers)


@pytest.fixture
def node_clients(processes: dict[type[Any], Any]) -> Clients:
    """Official clients, in one Node process for all tests."""
    return _running(processes, Clients)


def _running(processes: dict[type[Any], Any], kind: type[ProcessT]) -> ProcessT:
    found = processes.get(kind)
    if found is not None and found.node.running:
        same: ProcessT = found
        return same
    if found is not None:
        found.node.close()
    made = processes[kind] = kind()
    return made
