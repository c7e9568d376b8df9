"""The adapter for a cluster, as applications make it and servers start it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Unpack

from ..base import LocalNamespace
from ..errors import NotRetryable
from ..lifecycle import AdapterHost, AdapterProvider
from .core import Core
from .driver import Driver
from .namespace import ClusterNamespace
from .options import ClusterOptions, ClusterSettings


@dataclass(frozen=True, slots=True)
class ClusterHealth:
    """The state of a cluster, as one of its servers sees it.

    Attributes:
        server_id: Its id.
        members: The ids of the other servers, as far as they are known by name.
        queued: Messages that wait for the broker.
        requests: Questions to other servers that wait for answers.
        late_answers: Answers that came when they were not waited for any more.
        gaps: How often messages may have been missed, because the broker was away.
        unordered: Events that were delivered without an offset of their own: their clients cannot
            tell later that they have got them.
        dropped: Messages that were not sent or not handled, by reason.
    """

    server_id: str
    members: frozenset[str]
    queued: int
    requests: int
    late_answers: int
    gaps: int
    unordered: int
    dropped: Mapping[str, int]


class ClusterAdapter(AdapterProvider):
    """Joins the servers of a cluster: ``Server(adapter=ClusterAdapter(make_driver))``.

    Nothing is made before the server is used in an event loop: neither a connection, nor an id.

    Args:
        make_driver: Makes a driver that is not connected; called for every attempt to connect, in
            whichever event loop.
        options: Those of :class:`ClusterOptions`.

    Raises:
        TypeError: There is no such option, or a value has the wrong type.
        ValueError: A value makes no sense.
    """

    def __init__(
        self, make_driver: Callable[[], Driver], **options: Unpack[ClusterSettings]
    ) -> None:
        self._make_driver = make_driver
        self._options = ClusterOptions(**options)
        self._namespaces: dict[str, ClusterNamespace] = {}
        self._core: Core | None = None

    def __call__(self, namespace: LocalNamespace) -> ClusterNamespace:
        """Make the adapter of a namespace."""
        adapter = ClusterNamespace(
            namespace,
            local_recovery=self._options.local_recovery,
            on_close=self._on_namespace_closed,
        )
        self._namespaces[namespace.name] = adapter
        if self._core is not None:
            adapter.bind(self._core)
            self._core.namespace_added(namespace.name)
        return adapter

    @property
    def core(self) -> Core:
        """The core that all its namespaces share.

        Raises:
            RuntimeError: It has not been started.
        """
        if self._core is None:
            raise RuntimeError("the cluster adapter has not been started")
        return self._core

    @property
    def health(self) -> ClusterHealth:
        """The state of the cluster, as this server sees it.

        Raises:
            RuntimeError: It has not been started.
        """
        core = self.core
        return ClusterHealth(
            server_id=core.server_id,
            members=core.members.ids,
            queued=len(core.outbox),
            requests=len(core.requests),
            late_answers=core.requests.late_answers,
            gaps=core.gaps,
            unordered=core.unordered,
            dropped=dict(core.counters),
        )

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop: until the broker is there, messages wait for it."""
        core = self._core = Core(host, self._namespaces, self._options)
        for namespace in self._namespaces.values():
            namespace.bind(core)

    async def start(self, host: AdapterHost) -> None:
        """Connect to the broker."""
        core = self.core
        driver = self._make_driver()
        recovers = any(namespace.recovers for namespace in self._namespaces.values())
        if recovers and driver.archive is None:
            raise NotRetryable(
                "connection_state_recovery needs an adapter with a broker that keeps messages; with"
                " local_recovery=True the process keeps them that a client has to come back to"
            )
        await core.connect(driver)

    async def close(self) -> None:
        """Say goodbye, and close the connection."""
        if self._core is not None:
            await self._core.close()

    async def _on_namespace_closed(self, namespace: ClusterNamespace) -> None:
        name = namespace.namespace.name
        if self._namespaces.get(name) is namespace:
            del self._namespaces[name]
            core = self._core
            if core is not None and core.runtime.is_current():  # otherwise its event loop is gone
                await core.namespace_removed(name)
