"""The cluster of a server, as applications see it: ``io.cluster``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..adapters import AdapterLifecycle, ClusterEngineHealth, ClusterHealth, Member
from ..checks import check_seconds
from ..engine.options import MAX_SECONDS
from ..protocol.names import normalize_name
from .core import ServerCore

ListenerT = TypeVar("ListenerT", bound=Callable[..., object])

READY_SECONDS = 5.0
"""The time that :meth:`Cluster.ready` waits by default."""


class Cluster:
    """The cluster that a server is part of, as this server sees it; ``io.cluster``.

    A server without an adapter for several processes is a cluster of one.
    """

    def __init__(self, core: ServerCore) -> None:
        self._core = core

    @property
    def _adapters(self) -> AdapterLifecycle:
        return self._core.adapters

    def __repr__(self) -> str:
        return f"<Cluster {self.health.state.value}, {len(self.members)} members>"

    @property
    def members(self) -> tuple[Member, ...]:
        """The servers that are known by name, this one first, the others in their order of coming.

        Official servers that send no heartbeats are not among them; :meth:`count` counts them as
        well. Empty before the server is used in an event loop.
        """
        return self._adapters.members

    @property
    def health(self) -> ClusterHealth:
        """The state of the connection with the broker, and what was lost so far."""
        return self._adapters.health

    @property
    def engine_health(self) -> ClusterEngineHealth | None:
        """The state of the cluster engine; None when the server has none."""
        engine = self._core.cluster_engine
        return None if engine is None else engine.health

    async def count(self, namespace: str = "/") -> int:
        """The number of servers that have a namespace, this one and those without names included.

        Args:
            namespace: The name of the namespace.
        """
        return await self._adapters.count(normalize_name(namespace))

    async def ready(self, timeout: float = READY_SECONDS) -> None:
        """Wait until events reach the other servers, and these had the time to say that they live.

        With a cluster engine, also until requests reach them.

        Args:
            timeout: The longest time to wait, in seconds.

        Raises:
            NotRetryable: The broker will never be there, such as with a wrong password.
            ClusterUnavailable: The server was closed.
            TimeoutError: It was not there in time.
        """
        seconds = check_seconds("timeout", timeout, MAX_SECONDS)
        self._core.find_runtime()  # an adapter for several processes begins with it
        await self._adapters.ready(seconds)
        engine = self._core.cluster_engine
        if engine is not None and self._core.runtime is not None:
            await self._core.runtime.within(seconds, engine.ready())

    def on(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Register a listener, a plain function that is called at once in the event loop.

        Args:
            event: ``"joined"`` or ``"left"``, whose listeners are given the :class:`Member` that
                has come or gone; or ``"health"``, whose listeners are given the
                :class:`ClusterHealth` whenever its state has changed; or ``"engine_health"``, the
                same with the :class:`ClusterEngineHealth` of the cluster engine.

        Raises:
            TypeError: The function is asynchronous, or does not take one argument.
            ValueError: There is no such event.
        """

        def register(listener: ListenerT) -> ListenerT:
            self._adapters.listeners.add(event, listener)
            return listener

        return register
