"""The core of a server, shared by all its parts: settings, event loop, worker threads."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from typing import Any, Protocol
from weakref import WeakSet

import anyio.from_thread

from ..adapters import Adapter, AdapterLifecycle, ConnectionStateRecovery, SharedPacket, Target
from ..adapters.cluster_engine import ClusterEngineLifecycle
from ..adapters.observer import AdapterObserver
from ..adapters.packet import to_plain
from ..engine.core import EngineCore
from ..events.observer import CallObserver
from ..events.plans import HandlerCall, Planner
from ..events.registry import HandlerRegistry
from ..events.scopes import HandlerScope
from ..events.workers import Workers
from ..protocol import Parser
from ..runtime import Runtime
from ..runtime.awaitables import DONE
from ..runtime.current import running_in_event_loop, running_loop
from ..runtime.log_limit import LogLimits, limit_lines
from .observer import Observer, overrides
from .observers import ServerObservers

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

CONNECTION_SHARES = 4
"""Times ``max_events_in_flight`` that all sockets of one connection have in flight together at
most, so that many namespaces are no way around the limit of one."""


class Companion(Protocol):
    """Something that lives with a server: its timers begin and end with those of the server."""

    def begin(self, runtime: Runtime) -> None:
        """Begin in an event loop, the first or another one."""
        ...

    def end(self) -> None:
        """End, because the server closes."""
        ...


class ServerCore:
    """The inside of a server, which its namespaces, sockets and connections share.

    Args:
        engine: The connection layer.
        parser: The parser that encodes packets.
        adapters: Makes the adapters of namespaces, and starts what they share.
        cluster_engine: Finds the sessions of other servers; None when nothing does.
        recovery: The options for recovering clients that lost their connection; None without.
        max_events_in_flight: Events of one socket that may wait or be handled at a time.
        max_bytes_in_flight: Bytes of large events of one connection that may do so.
        max_namespaces: Namespaces that one client may be in at a time.
        warn_unknown_events: Whether the log tells of events that nothing takes.
        errors: What it does about errors of events, an ErrorOptions.
        planner: Makes the call plans of handlers.
        scope: What holds for the handlers of all namespaces.
        public: The server as applications see it.
        make_context: Makes what a handler may ask for about a call, in a namespace.
        validate_emits: Whether the values of declared events are validated before they are sent.

    Attributes:
        engine: The same.
        parser: The same.
        adapters: The same.
        cluster_engine: The same.
        recovery: The same.
        max_events_in_flight: The same.
        max_bytes_in_flight: The same.
        max_in_flight: Calls for all sockets of one connection that may wait or run at a time.
        max_namespaces: The same.
        warn_unknown_events: The same.
        observers: What is told of everything that happens.
        errors: The same.
        common: The handlers of all namespaces together.
        public: The same.
        make_context: The same.
        validate_emits: The same.
        scope: The same.
        workers: The threads for plain functions.
        clients_log: The number of lines of the log about what clients do, by their addresses.
        runtime: The event loop; None while the server has not been used in one.
        companions: What lives with the server; see :meth:`attach`.
        context: The context variables that handlers get a copy of: those at the start of the
            server, or at its making where nobody starts it. Those of a request are not among them,
            because what they hold may have ended with it.
    """

    def __init__(
        self,
        engine: EngineCore,
        *,
        parser: Parser,
        adapters: AdapterLifecycle,
        cluster_engine: ClusterEngineLifecycle | None,
        recovery: ConnectionStateRecovery | None,
        max_events_in_flight: int,
        max_bytes_in_flight: int,
        max_namespaces: int,
        warn_unknown_events: bool,
        errors: Any,
        planner: Planner,
        scope: HandlerScope,
        public: object,
        make_context: Callable[[Any, HandlerCall], object],
        validate_emits: bool,
    ) -> None:
        self.engine: EngineCore = engine
        self.parser: Parser = parser
        self.adapters: AdapterLifecycle = adapters
        self.cluster_engine: ClusterEngineLifecycle | None = cluster_engine
        self.recovery: ConnectionStateRecovery | None = recovery
        self.max_events_in_flight: int = max_events_in_flight
        self.max_bytes_in_flight: int = max_bytes_in_flight
        self.max_in_flight: int = CONNECTION_SHARES * max_events_in_flight
        self.max_namespaces: int = max_namespaces
        self.warn_unknown_events: bool = warn_unknown_events
        self.observers: ServerObservers = ServerObservers()
        self.errors: Any = errors
        self.public: object = public
        self.make_context: Callable[[Any, HandlerCall], object] = make_context
        self.validate_emits: bool = validate_emits
        self.scope: HandlerScope = scope
        self.workers: Workers = Workers(_client_of)
        self.clients_log: LogLimits = limit_lines(logger)
        self._planner: Planner = planner
        self._registries: WeakSet[HandlerRegistry] = WeakSet()
        self.common: HandlerRegistry = HandlerRegistry(scope=self.scope)
        self.adopt(self.common)
        self.runtime: Runtime | None = None
        self.companions: list[Companion] = []
        self.context: Context = copy_context()

    def observe(self, observer: Observer) -> None:
        """Tell an observer of everything that happens from now on."""
        self.observers.add(observer)
        self.engine.observe(observer)
        if overrides(observer, AdapterObserver):
            self.adapters.observer = self.observers.adapters
            if self.cluster_engine is not None:
                self.cluster_engine.observer = self.observers.adapters
        if overrides(observer, CallObserver):
            self.plan_with(self._planner)

    def attach(self, companion: Companion) -> None:
        """Let something live with the server, from now on or from its next event loop on."""
        self.companions.append(companion)
        if self.runtime is not None and self.runtime.is_current():
            companion.begin(self.runtime)

    @property
    def planner(self) -> Planner:
        """The planner, which makes the call plans of handlers."""
        return self._planner

    def plan_with(self, planner: Planner) -> None:
        """Make the call plans of all handlers with another planner, also those there are already.

        Raises:
            TypeError: A function that was registered cannot be called as a handler.
        """
        self._planner = planner
        for handlers in self._registries:
            self.adopt(handlers)

    def adopt(self, handlers: HandlerRegistry) -> None:
        """Make the call plans of a namespace."""
        self._registries.add(handlers)
        handlers.changed = self.plan_anew
        handlers.use_planner(self._planner, observed=self.observers.calls is not None)

    def plan_anew(self) -> None:
        """Make the call plans of all handlers again, because something has changed for them."""
        for handlers in self._registries:
            handlers.plan_anew()

    def call(self, function: Callable[..., Awaitable[None]], *args: Any) -> Awaitable[None]:
        """Call a function of an adapter in the event loop, from whichever thread this is.

        Raises:
            RuntimeError: The function concerns other processes, and no event loop is known.
        """
        runtime = self.runtime
        if runtime is None or not runtime.is_current():
            runtime = self.find_runtime()
        if runtime is None:
            return DONE  # no client has ever come, and no other process is there
        if runtime.is_current():
            return function(*args)
        runtime.call_from_thread(function, *args)
        return DONE

    def send(
        self,
        broadcast: Callable[[SharedPacket, Target], Awaitable[None]],
        packet: SharedPacket,
        target: Target,
    ) -> Awaitable[None]:
        """Hand a packet to an adapter, from whichever thread this is; see :meth:`call`.

        Raises:
            EncodeError: The packet's data cannot be represented, whoever gets it.
        """
        runtime = self.runtime
        if runtime is not None and running_loop() is runtime.asyncio_loop is not None:
            return broadcast(packet, target)  # nearly always
        runtime = self.find_runtime()
        if runtime is None:
            packet.check()
            return DONE
        if runtime.is_current():
            return broadcast(packet, target)
        packet.encode()  # errors are the caller's, and the values may change later
        runtime.call_from_thread(broadcast, packet, target)
        return DONE

    def tell_servers(self, adapter: Adapter, event: str, args: Sequence[Any]) -> Awaitable[None]:
        """Send an event to the other servers, from whichever thread this is; see :meth:`call`.

        Raises:
            EncodeError: A value cannot be represented, whether there are other servers or not.
        """
        runtime = self.find_runtime()
        if runtime is not None and runtime.is_current():
            return adapter.server_side_emit(event, args)
        plain = to_plain([event, *args], self.parser)  # the values may change later
        if runtime is not None:
            runtime.call_from_thread(adapter.server_side_emit, event, plain[1:])
        return DONE

    def find_runtime(self) -> Runtime | None:
        """The event loop; None when there is none yet, and no socket that a packet could reach.

        One that has ended has no sockets. When the adapter reaches other processes, the server goes
        on in the caller's event loop then.

        Raises:
            RuntimeError: The adapter reaches other processes, and no event loop is known.
        """
        runtime = self.runtime
        if not self.adapters.reach_other_processes or (runtime is not None and runtime.running):
            return runtime
        if running_in_event_loop():
            return self.engine.bound().runtime
        try:
            return anyio.from_thread.run_sync(self.engine.bound).runtime
        except RuntimeError as error:
            if runtime is not None:
                return runtime  # it may go on, and does nothing when it has ended
            raise RuntimeError(
                "the server has no event loop yet, and other processes are to be told something:"
                " use it in the event loop first, or let it live in the application's lifespan"
                " (io.lifespan)"
            ) from error


def _client_of(subject: Any) -> object:
    """The connection of a socket; None for anything else."""
    core = getattr(subject, "__socketio__", None)
    return getattr(core, "connection", None)
