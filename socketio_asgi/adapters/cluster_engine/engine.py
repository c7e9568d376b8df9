"""The interface of cluster engines, and their life with the server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ...engine.directory import SessionDirectory
from ...runtime import Runtime
from ..life import Life, close_in_time, log_state
from ..membership import ClusterListeners, WallClock
from ..observer import AdapterObserver
from ..states import AdapterState


@dataclass(frozen=True, slots=True)
class ClusterEngineHealth:
    """The state of a cluster engine, as its server sees it.

    Attributes:
        state: The state of the connection with the broker.
        since: The time of its last change; None before the server is used in an event loop.
        last_error: The last error of the connection, if there was one.
        members: The servers of ours that share sessions, this one included.
        foreign: The other engines, such as those in Node.js; None where the broker does not count.
        held: Polls and WebSockets here, of sessions that other servers own.
        lent: Sessions of this server whose clients have been at another one.
        counters: What went between the servers so far, by kind.
        dropped: Messages that were not sent or not handled, by reason.
    """

    state: AdapterState
    since: datetime | None = None
    last_error: Exception | None = None
    members: int = 1
    foreign: int | None = 0
    held: int = 0
    lent: int = 0
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])


class ClusterEngineHost(Protocol):
    """The surroundings of a cluster engine: its event loop, and a place to report to."""

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    @property
    def observer(self) -> AdapterObserver | None:
        """The observer of dropped messages; None when there is none."""
        ...

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone: :meth:`ClusterEngine.start` is to be called again."""
        ...


class ClusterEngine(ABC):
    """Lets the servers of a cluster find each other's sessions: ``Server(cluster_engine=...)``.

    Nothing is created before :meth:`enter`, no connection, no task and no id: the object may be
    made before the process forks.
    """

    _claimed = False

    def claim(self) -> None:
        """Belong to a server, which has sessions of its own.

        Raises:
            ValueError: The engine belongs to one already.
        """
        if self._claimed:
            raise ValueError("each server needs a cluster engine of its own; this one has a server")
        self._claimed = True

    @property
    @abstractmethod
    def session_directory(self) -> SessionDirectory:
        """The sessions of other servers."""

    @abstractmethod
    def enter(self, host: ClusterEngineHost) -> None:
        """Begin in an event loop."""

    @abstractmethod
    async def start(self) -> None:
        """Connect to the broker; called again after every failure.

        Raises:
            NotRetryable: It makes no sense to try again.
            Exception: It does.
        """

    @abstractmethod
    def health(self, known: ClusterEngineHealth) -> ClusterEngineHealth:
        """The state of the engine.

        Args:
            known: The same without what only the engine knows.
        """

    @abstractmethod
    async def close(self) -> None:
        """Say goodbye, and release everything; bounded by the caller."""


class ClusterEngineLifecycle:
    """The life of a server's cluster engine.

    Args:
        engine: The engine.
        listeners: The functions of the application that hear of changes in the cluster.
        observer: The observer of dropped messages; None when there is none.
    """

    def __init__(
        self, engine: ClusterEngine, listeners: ClusterListeners, observer: AdapterObserver | None
    ) -> None:
        self._engine = engine
        self._observer = observer
        self._listeners = listeners
        self._life: _EngineLife | None = None

    @property
    def observer(self) -> AdapterObserver | None:
        """The observer of dropped messages; may be set at any time."""
        return self._observer

    @observer.setter
    def observer(self, observer: AdapterObserver | None) -> None:
        self._observer = observer
        if self._life is not None:
            self._life.observer = observer

    @property
    def session_directory(self) -> SessionDirectory:
        """The sessions of other servers."""
        return self._engine.session_directory

    @property
    def health(self) -> ClusterEngineHealth:
        """The state of the engine."""
        life = self._life
        return ClusterEngineHealth(AdapterState.IDLE) if life is None else life.health()

    def begin(self, runtime: Runtime) -> None:
        """Start in an event loop, in the background; does nothing when that was done before.

        Raises:
            RuntimeError: The process has forked since the start.
        """
        life = self._life
        if life is not None and life.covers(runtime, "cluster engine"):
            return
        self._life = _EngineLife(self._engine, runtime, self._observer, self._listeners)
        self._life.begin()

    async def started(self) -> None:
        """Wait until the broker is there, but no longer than :data:`..life.START_SECONDS`.

        Raises:
            NotRetryable: It will never be there.
        """
        if self._life is not None:
            await self._life.started()

    async def ready(self) -> None:
        """Wait until the broker is there.

        Raises:
            NotRetryable: It will never be there.
            ClusterUnavailable: The server was closed.
        """
        if self._life is not None:
            await self._life.ready()

    async def close(self) -> None:
        """Close the engine; raises nothing."""
        if self._life is not None:
            await self._life.close()


class _EngineLife(Life):
    """One life of a cluster engine, in one event loop."""

    def __init__(
        self,
        engine: ClusterEngine,
        runtime: Runtime,
        observer: AdapterObserver | None,
        listeners: ClusterListeners,
    ) -> None:
        super().__init__(runtime)
        self.observer = observer
        self._engine = engine
        self._listeners = listeners

    def _enter(self) -> None:
        self._engine.enter(self)

    async def _connect(self) -> None:
        await self._engine.start()

    async def _acquaint(self) -> None:
        """Do nothing: the start waits for the others."""

    async def _release(self) -> None:
        await close_in_time(self._engine)

    def _changed(self, state: AdapterState, error: Exception | None) -> None:
        log_state("the cluster engine", state, error)
        if self._listeners.hears("engine_health"):
            self._listeners.tell("engine_health", self.health())

    def health(self) -> ClusterEngineHealth:
        """The state of the engine."""
        since = WallClock(self.runtime.now()).at(self.status.since)
        known = ClusterEngineHealth(self.status.state, since, self.status.error)
        return self._engine.health(known)
