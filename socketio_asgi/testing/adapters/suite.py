"""The part that all groups of tests share: the broker, and a cluster for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ...adapters.cluster import asking
from .broker import Broker
from .cluster import Cluster


class Suite:
    """Fixtures of the suite, and what a driver promises.

    Attributes:
        ordered: Whether events of one server come in the order in which they were sent.
        binary: Whether bytes survive in ``socket.data`` and in events between servers; with some
            official forms of messages they do not.
        recovers: Whether clients are recovered on any server: the driver has an archive.
    """

    pytestmark: pytest.MarkDecorator = pytest.mark.anyio

    ordered: bool = True
    binary: bool = True
    recovers: bool = False

    @pytest.fixture
    def broker(self) -> Broker:
        """The broker; to be overridden."""
        raise NotImplementedError("override the fixture `broker`, which returns a Broker")

    @pytest.fixture(autouse=True)
    def short_introductions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let servers wait a moment alone for others to introduce themselves.

        Every cluster of the suite waits until they have done so.
        """
        monkeypatch.setattr(asking, "GATHER_SECONDS", 0.02)

    @pytest.fixture
    async def living_broker(self, broker: Broker) -> AsyncIterator[Broker]:
        """The broker, open during the test."""
        await broker.open()
        try:
            yield broker
        finally:
            await broker.close()

    @pytest.fixture
    async def cluster(self, living_broker: Broker) -> AsyncIterator[Cluster]:
        """Two servers that know one another, with two clients each."""
        async with Cluster(living_broker, ordered=self.ordered) as cluster:
            yield cluster


def need(broker: Broker, *hooks: str) -> None:
    """Skip a test when a broker lacks a hook for faults."""
    for hook in hooks:
        if not broker.can(hook):
            pytest.skip(f"{type(broker).__name__} has no method {hook}()")
