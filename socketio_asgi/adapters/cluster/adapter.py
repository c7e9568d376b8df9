"""The adapter for a cluster, as applications make it and servers start it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Unpack

from ...checks import check_function
from ..base import LocalNamespace
from ..errors import NotRetryable
from ..membership import ClusterHealth
from ..observer import Member
from ..provider import AdapterHost, AdapterProvider
from .core import Core
from .driver import Driver
from .namespace import ClusterNamespace
from .options import ClusterOptions, ClusterSettings


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
        check_function("make_driver", make_driver, "lambda: MyDriver(url)")
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

    def members(self) -> tuple[Member, ...]:
        """The servers of the cluster that are known by name, this one first."""
        return () if self._core is None else self._core.known_servers

    def health(self, known: ClusterHealth) -> ClusterHealth:
        """The state of the cluster, as this server sees it."""
        core = self._core
        if core is None:
            return known
        return replace(
            known,
            lag=core.heartbeats.lag,
            queued=len(core.outbox),
            requests=len(core.requests),
            late_answers=core.requests.late_answers,
            gaps=core.gaps,
            unordered=core.unordered,
            dropped=dict(core.counters),
        )

    async def acquainted(self) -> None:
        """Wait until the other servers had the time to introduce themselves."""
        await self.core.asking.acquainted()

    async def count(self, namespace: str) -> int:
        """The number of servers that have a namespace, this one included."""
        return await self.core.asking.count(namespace)

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
