"""Fixtures of the tests with real brokers: official servers and clients in Node processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.node import install_node_modules

from .interop.clients import Clients
from .interop.servers import NodeServers

ProcessT = TypeVar("ProcessT", NodeServers, Clients)
FOLDER = Path(__file__).parent


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
