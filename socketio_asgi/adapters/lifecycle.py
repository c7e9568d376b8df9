"""The life of a server's adapters: started with the event loop, closed with the server.

    idle → starting → ready ⇄ away → closing → closed

Most adapters have no life: a class that is called with each namespace is all they are. Those that
need a broker share one connection for all namespaces. They come from an :class:`AdapterProvider`,
which is made without an event loop, started in it, and started again when the broker was away.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from ..engine.directory import SessionDirectory
from ..events.acks import wait_at_most
from ..runtime import Cancellable, Event, Runtime
from ..runtime.awaitables import all_of
from ..runtime.shielding import at_most
from .base import Adapter, AdapterFactory, LocalNamespace
from .errors import ClusterUnavailable, NotRetryable
from .membership import ClusterHealth, ClusterListeners, WallClock, this_server
from .observer import AdapterObserver, Member
from .provider import AdapterProvider, AdapterStatus
from .states import AdapterState

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

START_SECONDS = 5.0
"""The time that the lifespan waits for a broker before it goes on without it."""

CLOSE_SECONDS = 2.0
"""The time that adapters have to close, all together."""

RETRY_SECONDS = 0.1
"""The longest delay before the second attempt to reach a broker; it doubles with each attempt."""

MAX_RETRY_SECONDS = 5.0
"""The longest delay of all: a hundred servers then make twenty attempts each second."""

STABLE_SECONDS = 10.0
"""The time with a broker after which the delays begin anew."""


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
        self._life: _Life | None = None
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
        if life is not None and (life.runtime is runtime or life.goes_on()):
            return
        if life is not None and life.forked():
            raise RuntimeError(
                "the adapter was started before this process was forked: use the server in the"
                " workers only, not in the process that starts them"
            )
        self._life = _Life(self._provider, runtime, self._observer, self.listeners)
        self._life.begin()

    async def started(self, seconds: float | None = None) -> None:
        """Wait until the broker is there, but no longer than ``seconds``.

        Args:
            seconds: The time; None is :data:`START_SECONDS`.

        Raises:
            NotRetryable: It will never be there.
        """
        if self._life is not None:
            await self._life.started(START_SECONDS if seconds is None else seconds)

    def forget(self, adapter: Adapter) -> None:
        """Forget the adapter of a namespace that is gone; see :meth:`release`."""
        self._adapters.discard(adapter)

    async def release(self, adapter: Adapter) -> None:
        """Close the adapter of a namespace that is gone; the others are left alone."""
        self.forget(adapter)
        await at_most(CLOSE_SECONDS, _close_quietly(adapter))

    async def close(self) -> None:
        """Close everything, together and within :data:`CLOSE_SECONDS`; raises nothing."""
        life = self._life
        if self._provider is not None:
            if life is not None:
                await life.close()
            return
        if life is not None:
            life.end()
        await at_most(
            CLOSE_SECONDS, all_of(partial(_close_quietly, each) for each in self._adapters)
        )


class _Life:
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
        self.runtime = runtime
        self.observer = observer
        self.server_id = secrets.token_hex(8)
        self.begun = runtime.now()
        self._listeners = listeners
        self.status = AdapterStatus()
        self._provider = provider
        self._pid = os.getpid()
        self._waiters: list[Event] = []
        self._attempts = 0
        self._ready_since = 0.0
        # The attempt that is being made, or the timer of the next one.
        self._work: Cancellable | None = None
        self._attempting = False
        self._lost_early: Exception | None = None

    # -- for the lifecycle -------------------------------------------------------------------

    def goes_on(self) -> bool:
        """True if the caller is in the same event loop, whichever runtime object it has."""
        return self.status.state is not AdapterState.CLOSED and self.runtime.is_current()

    def forked(self) -> bool:
        """True if a provider was started in another process, and lives on there."""
        over = self._provider is None or self.status.state is AdapterState.CLOSED
        return not over and self._pid != os.getpid()

    def begin(self) -> None:
        """Make the first attempt."""
        if self._provider is None:
            self._change(AdapterState.READY)
        else:
            self._provider.enter(self)
            self._change(AdapterState.STARTING)
            self._attempt(self._provider)

    async def started(self, seconds: float) -> None:
        """Wait until an attempt has succeeded, or no attempt can succeed."""
        if self.status.state in {AdapterState.STARTING, AdapterState.AWAY}:
            waiter = self.runtime.event()
            self._waiters.append(waiter)
            await wait_at_most(self.runtime, waiter, seconds)
        if isinstance(self.status.error, NotRetryable):
            raise self.status.error

    async def ready(self) -> None:
        """Wait until the broker is there, and the others had the time to introduce themselves.

        Raises:
            NotRetryable: It will never be there.
            ClusterUnavailable: The server was closed.
        """
        while self.status.state is not AdapterState.READY:
            if self._over():
                raise ClusterUnavailable("the server is closed")
            await self.started(START_SECONDS)
        if self._provider is not None:
            await self._provider.acquainted()

    async def close(self) -> None:
        """Close the provider, if its event loop is the present one."""
        if self._over():
            return
        if self.runtime.is_current() and self._provider is not None:
            self._stop()
            self._change(AdapterState.CLOSING)
            await at_most(CLOSE_SECONDS, _close_quietly(self._provider))
        self.end()

    def end(self) -> None:
        """Stop all attempts, and change to the state CLOSED."""
        self._stop()
        self._change(AdapterState.CLOSED)

    # -- attempts ----------------------------------------------------------------------------

    def _attempt(self, provider: AdapterProvider) -> None:
        self._attempting = True
        self._lost_early = None
        self._work = self.runtime.start_background(self._start(provider))

    async def _start(self, provider: AdapterProvider) -> None:
        try:
            await provider.start(self)
        except NotRetryable as error:
            # Nobody else will: what it has opened by then is of no use.
            await at_most(CLOSE_SECONDS, _close_quietly(provider))
            self._change(AdapterState.CLOSED, error)
        except Exception as error:  # noqa: BLE001  # drivers have errors of their own
            self._try_again(provider, error)
        else:
            self._on_started(provider, self._lost_early)
        finally:
            self._attempting = False

    def _on_started(self, provider: AdapterProvider, lost: Exception | None) -> None:
        if lost is not None:
            return self._try_again(provider, lost)
        self._ready_since = self.runtime.now()
        self._change(AdapterState.READY)

    def _try_again(self, provider: AdapterProvider, error: Exception) -> None:
        if self.status.state is AdapterState.READY:
            stable = self.runtime.now() - self._ready_since >= STABLE_SECONDS
            self._attempts = 0 if stable else self._attempts
        self._change(AdapterState.AWAY, error)
        longest = min(RETRY_SECONDS * 2**self._attempts, MAX_RETRY_SECONDS)
        self._attempts = min(self._attempts + 1, 32)
        # Full jitter, so that the servers of a cluster do not come back all at once.
        delay = random.uniform(0, longest)  # noqa: S311  # no secret
        self._work = self.runtime.call_later(delay, partial(self._attempt, provider))

    def _stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._work = None

    # -- for the provider --------------------------------------------------------------------

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone; see :meth:`AdapterHost.lost`."""
        if self._attempting:
            self._lost_early = error
        elif self._provider is not None and not self._over():
            self._stop()
            self._try_again(self._provider, error)

    def away(self, error: Exception) -> None:
        """Called when the broker is gone for a while; see :meth:`AdapterHost.away`."""
        if self.status.state is AdapterState.READY:
            self._change(AdapterState.AWAY, error)

    def back(self) -> None:
        """Called when the broker is there again; see :meth:`AdapterHost.back`."""
        if self.status.state is AdapterState.AWAY and not self._attempting:
            self._change(AdapterState.READY)

    def _over(self) -> bool:
        return self.status.state in {AdapterState.CLOSING, AdapterState.CLOSED}

    def _change(self, state: AdapterState, error: Exception | None = None) -> None:
        if state is self.status.state:
            self.status = AdapterStatus(state, self.status.since, error or self.status.error)
            return
        self.status = AdapterStatus(state, self.runtime.now(), error or self.status.error)
        if state in {AdapterState.READY, AdapterState.CLOSED}:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.set()
        if self._provider is not None:
            self._tell(state, error)
        if self._listeners.hears("health"):
            self._listeners.tell("health", self.health())

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

    def _tell(self, state: AdapterState, error: Exception | None) -> None:
        if error is None:
            logger.info("the adapter is %s", state.value)
        else:
            level = logging.ERROR if isinstance(error, NotRetryable) else logging.WARNING
            logger.log(level, "the adapter is %s: %r", state.value, error)
        if self.observer is not None:
            self.observer.adapter_state(state, error)


async def _close_quietly(closable: Any) -> None:
    close: Callable[[], Any] = closable.close
    try:
        await close()
    except Exception:
        logger.exception("%r cannot be closed", closable)
