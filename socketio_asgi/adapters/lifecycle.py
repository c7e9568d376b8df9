"""The life of a server's adapters: started with the event loop, closed with the server.

    idle → starting → ready ⇄ away → closing → closed

Most adapters have no life: a class that is called with each namespace is all they are. Those that
need a broker share one connection for all namespaces. They come from an :class:`AdapterProvider`,
which is made without an event loop, started in it, and started again when the broker was away.
"""

from __future__ import annotations

import secrets
from functools import partial

from ..engine.directory import SessionDirectory
from ..runtime import Runtime
from ..runtime.awaitables import all_of
from ..runtime.shielding import at_most
from .base import Adapter, AdapterFactory, LocalNamespace
from .life import CLOSE_SECONDS, Life, close_in_time, close_quietly, log_state
from .membership import ClusterHealth, ClusterListeners, WallClock, this_server
from .observer import AdapterObserver, Member
from .provider import AdapterProvider
from .states import AdapterState, AdapterStatus


class AdapterLifecycle:
    """The adapters of a server: makes them, starts what they share, and closes everything.

    Args:
        factory: Makes the adapter of a namespace: a class, a function, or an
            :class:`AdapterProvider`.
        observer: The observer of the adapters; None when there is none.

    Attributes:
        listeners: The functions of the application that hear of changes in the cluster.
    """

    def __init__(self, factory: AdapterFactory, observer: AdapterObserver | None = None) -> None:
        self._factory = factory
        self._provider = factory if isinstance(factory, AdapterProvider) else None
        self._observer = observer
        self._adapters: set[Adapter] = set()
        self._life: _AdapterLife | None = None
        self.listeners: ClusterListeners = ClusterListeners()

    @property
    def status(self) -> AdapterStatus:
        """The state of the adapters."""
        return AdapterStatus() if self._life is None else self._life.status

    @property
    def members(self) -> tuple[Member, ...]:
        """The servers of the cluster that are known by name, this one first.

        Empty before the server is used in an event loop.
        """
        life = self._life
        if life is None:
            return ()
        if self._provider is not None and (known := self._provider.members()):
            return known
        names = [adapter.namespace.name for adapter in self._adapters]
        return (this_server(life.server_id, names, life.begun, life.runtime.now()),)

    @property
    def health(self) -> ClusterHealth:
        """The state of the cluster."""
        return ClusterHealth(self.status.state) if self._life is None else self._life.health()

    async def ready(self, seconds: float) -> None:
        """Wait until the broker is there, and the other servers had the time to say that they are.

        Args:
            seconds: The longest time to wait.

        Raises:
            NotRetryable: It will never be there.
            ClusterUnavailable: The server was closed.
            TimeoutError: It was not there in time.
        """
        if self._life is not None:
            await self._life.runtime.within(seconds, self._life.ready())

    async def count(self, namespace: str) -> int:
        """The number of servers that have a namespace, this one included."""
        return 1 if self._provider is None else await self._provider.count(namespace)

    @property
    def session_directory(self) -> SessionDirectory | None:
        """The sessions of other processes; see :class:`AdapterProvider`."""
        return None if self._provider is None else self._provider.session_directory

    @property
    def observer(self) -> AdapterObserver | None:
        """The observer of the adapters; may be set at any time."""
        return self._observer

    @observer.setter
    def observer(self, observer: AdapterObserver | None) -> None:
        self._observer = observer
        for adapter in self._adapters:
            adapter.observe(observer)
        if self._life is not None:
            self._life.observer = observer

    @property
    def reach_other_processes(self) -> bool:
        """True when a packet may have recipients in other processes."""
        return any(adapter.reaches_other_processes for adapter in self._adapters)

    def adapter_for(self, namespace: LocalNamespace) -> Adapter:
        """Make the adapter of a namespace (an :data:`AdapterFactory`).

        Raises:
            TypeError: The application's factory has made something else.
        """
        adapter = self._factory(namespace)
        if not isinstance(adapter, Adapter):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"adapter={self._factory!r} made {adapter!r}, which is no Adapter")
        adapter.observe(self._observer)
        self._adapters.add(adapter)
        return adapter

    def begin(self, runtime: Runtime) -> None:
        """Start in an event loop, in the background; does nothing when that was done before.

        Args:
            runtime: The event loop; the caller runs in its thread.

        Raises:
            RuntimeError: The process has forked since the start.
        """
        life = self._life
        if life is not None and life.covers(runtime, "adapter"):
            return
        self._life = _AdapterLife(self._provider, runtime, self._observer, self.listeners)
        self._life.begin()

    async def started(self, seconds: float | None = None) -> None:
        """Wait until the broker is there, but no longer than ``seconds``.

        Args:
            seconds: The time; None is :data:`.life.START_SECONDS`.

        Raises:
            NotRetryable: It will never be there.
        """
        if self._life is not None:
            await self._life.started(seconds)

    def forget(self, adapter: Adapter) -> None:
        """Forget the adapter of a namespace that is gone; see :meth:`release`."""
        self._adapters.discard(adapter)

    async def release(self, adapter: Adapter) -> None:
        """Close the adapter of a namespace that is gone; the others are left alone."""
        self.forget(adapter)
        await close_in_time(adapter)

    async def close(self) -> None:
        """Close everything, together and within :data:`.life.CLOSE_SECONDS`; raises nothing."""
        life = self._life
        if self._provider is not None:
            if life is not None:
                await life.close()
            return
        if life is not None:
            life.end()
        await at_most(
            CLOSE_SECONDS, all_of(partial(close_quietly, each) for each in self._adapters)
        )


class _AdapterLife(Life):
    """One life of a provider, in one event loop; see :class:`AdapterHost`.

    Without a provider there is nothing to wait for.
    """

    def __init__(
        self,
        provider: AdapterProvider | None,
        runtime: Runtime,
        observer: AdapterObserver | None,
        listeners: ClusterListeners,
    ) -> None:
        super().__init__(runtime)
        self.observer = observer
        self.server_id = secrets.token_hex(8)
        self._listeners = listeners
        self._provider = provider

    def forked(self) -> bool:
        """True if a provider was started in another process, and lives on there."""
        return self._provider is not None and super().forked()

    def begin(self) -> None:
        """Make the first attempt."""
        if self._provider is None:
            self._change(AdapterState.READY)
        else:
            super().begin()

    def _enter(self) -> None:
        if self._provider is not None:
            self._provider.enter(self)

    async def _connect(self) -> None:
        if self._provider is not None:
            await self._provider.start(self)

    async def _acquaint(self) -> None:
        if self._provider is not None:
            await self._provider.acquainted()

    async def _release(self) -> None:
        if self._provider is not None:
            await close_in_time(self._provider)

    def _changed(self, state: AdapterState, error: Exception | None) -> None:
        if self._provider is not None:
            log_state("the adapter", state, error)
            if self.observer is not None:
                self.observer.adapter_state(state, error)
        if self._listeners.hears("health"):
            self._listeners.tell("health", self.health())

    # -- for the provider --------------------------------------------------------------------

    def health(self) -> ClusterHealth:
        """The state of the cluster."""
        since = WallClock(self.runtime.now()).at(self.status.since)
        known = ClusterHealth(self.status.state, since, self.status.error)
        return known if self._provider is None else self._provider.health(known)

    def joined(self, member: Member) -> None:
        """Called when another server has introduced itself; see :meth:`AdapterHost.joined`."""
        if self.observer is not None:
            self.observer.member_joined(member)
        self._listeners.tell("joined", member)

    def left(self, member: Member) -> None:
        """Called when another server has ended; see :meth:`AdapterHost.left`."""
        if self.observer is not None:
            self.observer.member_left(member)
        self._listeners.tell("left", member)
