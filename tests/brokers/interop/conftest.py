"""Fixtures of the tests with clusters of both kinds of servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .adapters import ENTRIES, SHORT, Entry, Trait
from .clients import Clients
from .cluster import Cluster, Kind
from .servers import NodeServers


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*traits): run with adapters that have these traits")
    config.addinivalue_line("markers", "acting(kind): run where the acting server is of that kind")
    config.addinivalue_line("markers", "apart: the other one is official, in a process of its own")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of a cluster with every adapter, in every direction."""
    if "cluster" not in metafunc.fixturenames:
        return
    needed = needed_traits(metafunc.definition)
    acting = {kind for mark in metafunc.definition.iter_markers("acting") for kind in mark.args}
    apart = metafunc.definition.get_closest_marker("apart") is not None
    chosen = [
        pytest.param(
            (entry, here, there),
            id=f"{entry.name}-{here.value}-{there.value}",
            marks=[pytest.mark.variant] if entry.variant else [],
        )
        for entry in ENTRIES
        for here, there in directions(entry)
        if needed <= entry.traits and (not acting or here in acting)
        if not apart or there is Kind.NODE
        if not entry.modules or metafunc.definition.path.stem in entry.modules
    ]
    metafunc.parametrize("cluster", chosen, indirect=True)


def needed_traits(item: pytest.Item) -> set[Trait]:
    """The traits of adapters that a test needs."""
    return {trait for mark in item.iter_markers("needs") for trait in mark.args}


def directions(entry: Entry) -> list[tuple[Kind, Kind]]:
    """The kinds of the acting server and the other one.

    Ours among themselves are tested by ``test_conformance.py`` of each broker.
    """
    if entry.ours is None:
        return [(Kind.NODE, Kind.NODE)]
    return [(Kind.OURS, Kind.NODE), (Kind.NODE, Kind.OURS)]


@pytest.fixture
def official_servers(
    request: pytest.FixtureRequest, official_adapters: Path
) -> Iterator[NodeServers]:
    """The official servers of a test: those of all tests, or in a process of their own."""
    if request.node.get_closest_marker("apart") is None:
        yield request.getfixturevalue("node_servers")
        return
    servers = NodeServers()
    yield servers
    servers.node.close()


@pytest.fixture
async def cluster(
    request: pytest.FixtureRequest, official_servers: NodeServers, node_clients: Clients
) -> AsyncIterator[Cluster]:
    """A cluster of two servers with two clients each."""
    entry, here, there = request.param
    options = SHORT if Trait.SHORT_QUESTIONS in needed_traits(request.node) else None
    async with Cluster(entry, here, there, official_servers, node_clients, options) as made:
        yield made
    if made.nodes is not official_servers:  # the others have crashed
        made.nodes.node.close()
