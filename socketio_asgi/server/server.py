"""The server: an ASGI application, its options and its namespaces.

Source: https://socket.io/docs/v4/server-api/ and https://socket.io/docs/v4/server-options/
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar, cast, overload

from starlette.types import Receive, Scope, Send

from ..adapters import AdapterFactory, AdapterLifecycle, ClusterEngine, ConnectionStateRecovery
from ..adapters.arguments import normalize_name
from ..adapters.observer import AdapterObserver
from ..asgi.client_files import ClientFiles
from ..asgi.entry_point import EntryPoint
from ..checks import check_count, check_flag, check_seconds, check_text
from ..contract.contract import Contract
from ..contract.description import Description
from ..engine import Cookie, Cors, Engine, EngineOptions, SessionCore
from ..engine.cookies import as_cookie
from ..engine.http.origins import OriginPolicy
from ..engine.options import (
    MAX_SECONDS,
    SEND_BUFFER_LIMIT,
    AllowRequest,
    GenerateId,
    as_threshold,
    generate_sid,
)
from ..engine.transports.base import TransportName
from ..events.acks import ACK_SECONDS
from ..events.context import ServerBase
from ..events.declared import AnyEvent
from ..events.dependencies.markers import check_dependencies
from ..events.dependencies.solver import DependencySolver
from ..events.errors import ErrorAck, error_form
from ..events.foreign_words import METHODS, ON, SERVER, ForeignMethod, explaining
from ..events.planning import Rules
from ..events.registry import HandlerT
from ..events.scopes import HandlerScope, nest
from ..exceptions import EventError
from ..protocol import Parser
from ..runtime import Runtime
from ..runtime.callables import check_plain, check_takes
from ..runtime.deadlines import DeadlineQueue
from ..validation.types import Preference
from .broadcast import Broadcaster
from .client_connection import ClientConnection
from .cluster import Cluster
from .core import ServerCore
from .describing import describe, error_type
from .event_context import EventContext
from .from_thread import FromThread
from .namespace import Namespace, check_namespace, move_into
from .namespace_registry import NamespaceRegistry
from .observer import GuardedAdapters, Observer, check_observer, overrides
from .options import (
    as_adapter_factory,
    as_cluster_engine,
    as_error_options,
    as_parser,
    as_path,
    as_preference,
    as_recovery,
)
from .parent_namespace import NamePredicate, ParentCore, ParentNamespace
from .registering import (
    ErrorT,
    EventMiddlewareT,
    ExceptionHandler,
    MiddlewareT,
    ResultT,
    register_exception_handler,
)
from .router import EventRouter, include_into
from .selection import Selection

MAX_EVENTS_IN_FLIGHT = 100
"""Events of one socket that may wait or be handled at a time, before its connection is not read
any further until some are done."""

MAX_BYTES_IN_FLIGHT = 16 * 1024 * 1024
"""Bytes of large events of one connection that may wait or be handled at a time, in memory: what a
client sends may take thirty times as much there."""

MAX_NAMESPACES = 1000
"""Namespaces that one client may be in at a time: each has a socket, and names cost nothing."""

NamespaceT = TypeVar("NamespaceT", bound=Namespace)
NewNamespaceT = TypeVar("NewNamespaceT", bound=Callable[[Namespace], object])


class Server(Broadcaster, ServerBase):
    """A Socket.IO server, which is an ASGI application.

    Run it with ``uvicorn main:io``, mount it with ``mount(app, "/socket.io", io)``, or wrap an
    application in :class:`SocketIOMiddleware`. Handlers and emits without a namespace belong to
    the main one, ``/``.

    Args:
        path: The path where clients connect, unless the server is mounted.
        add_trailing_slash: Whether clients put a slash behind the path (both ways are served).
        ping_interval: Seconds between two pings.
        ping_timeout: Seconds that a client may take to answer one.
        upgrade_timeout: Seconds that a client may take to move on to another transport.
        connect_timeout: Seconds that a client may take to join a namespace.
        max_http_buffer_size: The largest message or request body that is accepted, in bytes.
        http_request_body_timeout: Seconds that a client may take to send the body of a request.
        send_buffer_limit: Bytes that may wait for one client; beyond that it is disconnected.
        transports: The transports that clients may use.
        allow_upgrades: Whether clients may move on from polling to WebSocket.
        allow_eio3: Whether clients of version 2.x may connect.
        allow_request: Called with the request of every new client; returns False or raises
            :class:`RequestRefused` to refuse it.
        generate_id: Makes the session id for a request; it must not be guessable.
        cookie: A cookie with the session id, for load balancers; True or a name means the
            defaults for the rest, a dict has the arguments of :class:`Cookie`.
        cors: The other origins whose pages may connect: an origin, ``"*"``, a regular
            expression, a list of those, a function, or :class:`Cors` for all details; a dict has
            its arguments.
        allowed_hosts: The hosts that requests may name, such as ``"example.com"`` or
            ``"*.example.com"``, against DNS rebinding; None permits all.
        http_compression: Whether long HTTP responses are compressed; a number is the threshold
            in bytes (1024 by default).
        initial_packet: A message to put in front of everything else.
        max_clients: The largest number of clients; None is any number.
        serve_client: The folder with the JavaScript client's files, to serve them as well.
        parser: The encoding of packets; the clients must use the same.
        adapter: Makes the adapter of a namespace: a class, a function, or an ``AdapterProvider``,
            which is started and closed with the server; the default keeps everything in memory.
        cluster_engine: Lets each request of a client come to any server of the cluster, such as
            :class:`~socketio_asgi.adapters.RedisClusterEngine`; None needs sticky sessions, or an
            adapter that does the same.
        connection_state_recovery: Whether clients that lost their connection get back their id,
            rooms, data and the events that they missed; True means the defaults of
            :class:`ConnectionStateRecovery`, a dict has its arguments.
        cleanup_empty_child_namespaces: Whether a dynamic namespace goes when its last client
            leaves; it comes back with the next one. None is True for those of a regular
            expression, and False for those of a function: no name tells that they have a parent.
        max_events_in_flight: Events of one socket that may wait or be handled at a time; beyond
            it, the connection is not read until some are done.
        max_bytes_in_flight: The same for the bytes of all events of one connection, as they are in
            memory. One event is handled in any case.
        max_namespaces: Namespaces that one client may be in at a time; it is refused in others.
        warn_unknown_events: Whether the log warns, once for each name, of events that no handler
            and no listener takes.
        error_ack: Makes the acknowledgement of an :class:`EventError`, its only value; None
            acknowledges no errors, as Node.js does.
        error_event: An event that tells of the error to a client that asked for no acknowledgement,
            such as ``"error"``; None tells nothing.
        validation: Whose rules hold for annotations that belong to no library, such as ``int`` and
            dataclasses: ``"auto"`` (strict rules of our own), ``"pydantic"`` or ``"msgspec"``.
        observer: An object that is told of everything that happens, for metrics and traces; see
            :class:`socketio_asgi.server.Observer`.
        validate_emits: Whether the values of declared events are validated before they are sent,
            and the log warns of those that are not listed, as tests may want; what is written
            through a type is checked in part without it.
        dependencies: What is called before each handler of events of clients, as
            ``[Depends(check)]``.
        bearer_from_auth: A key of the ``auth`` of clients: dependencies find its value in their
            request as the header ``Authorization: Bearer …``, because browsers cannot set headers.

    Raises:
        TypeError: There is no such option, or a value has the wrong type.
        ValueError: A value makes no sense.

    Attributes:
        dependency_overrides: Functions that are called in place of dependencies, by these, in
            tests; those of a FastAPI application hold as well.
    """

    @explaining(SERVER)
    def __init__(
        self,
        *,
        path: str = "/socket.io",
        add_trailing_slash: bool = True,
        ping_interval: float = 25.0,
        ping_timeout: float = 20.0,
        upgrade_timeout: float = 10.0,
        connect_timeout: float = 45.0,
        max_http_buffer_size: int = 1_000_000,
        http_request_body_timeout: float = 30.0,
        send_buffer_limit: int = SEND_BUFFER_LIMIT,
        transports: Sequence[TransportName] = ("polling", "websocket"),
        allow_upgrades: bool = True,
        allow_eio3: bool = False,
        allow_request: AllowRequest | None = None,
        generate_id: GenerateId = generate_sid,
        cookie: Cookie | str | bool | Mapping[str, Any] | None = None,
        cors: OriginPolicy | Cors | Mapping[str, Any] | None = None,
        allowed_hosts: Sequence[str] | None = None,
        http_compression: bool | int = True,
        initial_packet: str | bytes | None = None,
        max_clients: int | None = None,
        serve_client: str | Path | None = None,
        parser: Parser | None = None,
        adapter: AdapterFactory | None = None,
        cluster_engine: ClusterEngine | None = None,
        connection_state_recovery: ConnectionStateRecovery | bool | Mapping[str, Any] = False,
        cleanup_empty_child_namespaces: bool | None = None,
        max_events_in_flight: int = MAX_EVENTS_IN_FLIGHT,
        max_bytes_in_flight: int = MAX_BYTES_IN_FLIGHT,
        max_namespaces: int = MAX_NAMESPACES,
        warn_unknown_events: bool = True,
        error_ack: ErrorAck | None = error_form,
        error_event: str | None = None,
        validation: Preference = "auto",
        observer: Observer | None = None,
        validate_emits: bool = False,
        dependencies: Sequence[object] = (),
        bearer_from_auth: str | None = None,
    ) -> None:
        options = EngineOptions(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            upgrade_timeout=upgrade_timeout,
            max_http_buffer_size=max_http_buffer_size,
            http_request_body_timeout=http_request_body_timeout,
            send_buffer_limit=send_buffer_limit,
            transports=transports,
            allow_upgrades=allow_upgrades,
            allow_eio3=allow_eio3,
            allow_request=allow_request,
            generate_id=generate_id,
            cookie=as_cookie(cookie),
            cors=cors,
            allowed_hosts=allowed_hosts,
            compression_threshold=as_threshold(http_compression),
            initial_packet=initial_packet,
            max_clients=max_clients,
        )
        if observer is not None:
            check_observer(observer)
        if bearer_from_auth is not None:
            check_text("bearer_from_auth", bearer_from_auth)
        self.dependency_overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
        solver = DependencySolver(self.dependency_overrides, bearer_from_auth)
        self._connect_timeout = check_seconds("connect_timeout", connect_timeout, MAX_SECONDS)
        self._join_deadlines: DeadlineQueue[ClientConnection] | None = None
        self._cleanup = cleanup_empty_child_namespaces
        if self._cleanup is not None:
            check_flag("cleanup_empty_child_namespaces", self._cleanup)
        self._namespaces = NamespaceRegistry()
        adapters = AdapterLifecycle(as_adapter_factory(adapter), _adapter_observer(observer))
        sharing = as_cluster_engine(cluster_engine, adapters, _adapter_observer(observer))
        self.engine: Engine = Engine(
            options,
            self._on_session,
            observer,
            directory=(adapters if sharing is None else sharing).session_directory,
            on_bind=self._on_bind,
        )
        self.__socketio__: ServerCore = ServerCore(
            self.engine.__socketio__,
            parser=as_parser(parser),
            adapters=adapters,
            cluster_engine=sharing,
            recovery=as_recovery(connection_state_recovery),
            max_events_in_flight=check_count(
                "max_events_in_flight", max_events_in_flight, "events"
            ),
            max_bytes_in_flight=check_count("max_bytes_in_flight", max_bytes_in_flight, "bytes"),
            max_namespaces=check_count("max_namespaces", max_namespaces, "namespaces"),
            warn_unknown_events=check_flag("warn_unknown_events", warn_unknown_events),
            observer=observer,
            errors=as_error_options(error_ack, error_event),
            planner=Rules(as_preference(validation), solver).plan,
            scope=HandlerScope(check_dependencies(dependencies)),
            public=self,
            make_context=EventContext,
            validate_emits=check_flag("validate_emits", validate_emits),
        )
        self._validation: Preference = as_preference(validation)
        self._cluster = Cluster(self.__socketio__)
        self.__entry_point__: EntryPoint = EntryPoint(
            self.engine.__socketio__,
            as_path(path),
            trailing_slash=check_flag("add_trailing_slash", add_trailing_slash),
            files=None if serve_client is None else ClientFiles(serve_client, options),
            lifespan=self.lifespan,
        )
        self._main = self.of("/")
        self._main_is_plain = True  # until an instance of a class takes its place
        self.__selection__: Selection = self._main.__selection__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope."""
        await self.__entry_point__.serve(scope, receive, send)

    def __repr__(self) -> str:
        return f"<Server {self.engine.clients_count} clients, {len(self._namespaces)} namespaces>"

    # -- namespaces and handlers -------------------------------------------------------------

    @overload
    def of(self, name: str) -> Namespace: ...

    @overload
    def of(self, name: re.Pattern[str] | NamePredicate) -> ParentNamespace: ...

    def of(self, name: str | re.Pattern[str] | NamePredicate) -> Namespace:
        """The namespace of that name, made when it is asked for the first time.

        A name that fits the regular expression of a parent is one of its children.

        Args:
            name: The name that clients use, such as ``/admin``; or a regular expression that has
                to match the whole name, or a (possibly async) function that is given the name and
                the client's ``auth`` and decides: then it is the parent of all that fit.

        Raises:
            TypeError: It is none of these.
            ValueError: The name holds a comma.

        Source: https://socket.io/docs/v4/namespaces/
        """
        if callable(name):
            check_takes(
                name, 2, "a function that decides about namespaces is given a name and an auth"
            )
        if isinstance(name, re.Pattern) or callable(name):
            by_name = isinstance(name, re.Pattern)
            cleanup = by_name if self._cleanup is None else self._cleanup
            return self._add_parent(ParentNamespace(name, cleanup=cleanup))
        name = normalize_name(name)
        return self._namespaces.get(name) or self._add(Namespace(name))

    def _add_parent(self, parent: ParentNamespace) -> ParentNamespace:
        core = cast("ParentCore", parent.__socketio__)
        core.attach(self.__socketio__)
        core.on_child, core.on_emptied = self._namespaces.add, self._remove_child
        core.on_returned = self._namespaces.replace
        self._namespaces.add_parent(core)
        return parent

    def register(self, namespace: NamespaceT) -> NamespaceT:
        """Add an instance of a :class:`Namespace` subclass.

        One named ``/`` becomes the main namespace, and keeps the handlers of the server.

        Raises:
            ValueError: An instance of that name was registered already, or, in the main namespace,
                an event has a handler already.
            TypeError: It is not such an instance, or its ``__init__`` does not call that of its
                base.
        """
        check_namespace(namespace)
        self.__register__(namespace, ())
        return namespace

    def __register__(self, namespace: Namespace, scopes: Sequence[HandlerScope]) -> None:
        core = namespace.__socketio__
        if namespace.name == "/" and self._main_is_plain:
            move_into(namespace, self._main.__socketio__, scopes)
            self._main, self._main_is_plain = namespace, False
            self._namespaces.replace(namespace)
        elif namespace.name in self._namespaces:
            raise ValueError(f"there is a namespace {namespace.name!r} already")
        else:
            core.check_unbound()
            core.handlers.scope.outer = nest(scopes, self.__socketio__.scope)
            self._add(namespace)

    def include_router(
        self, router: EventRouter, *, namespace: str | Namespace | None = None
    ) -> None:
        """Add all that was registered at a router, which takes no more handlers from then on.

        Args:
            router: The router.
            namespace: The name of the namespace that its handlers go to, or the namespace, such as
                the parent of dynamic ones; None is the one that the router was made with.

        Raises:
            TypeError: It is no router.
            RuntimeError: It was included already.
            ValueError: An event has a handler already, or the namespace is not one of this server.
        """
        include_into(self, router, namespace)

    def __namespace__(self, namespace: str | Namespace) -> Namespace:
        if isinstance(namespace, str):
            return self.of(namespace)
        check_namespace(namespace)
        core = namespace.__socketio__
        if not core.bound or core.server is not self.__socketio__:
            raise ValueError(f"{namespace!r} is no namespace of this server: register it first")
        return namespace

    def _add(self, namespace: Namespace) -> Namespace:
        namespace.__socketio__.bind(self.__socketio__)
        self._namespaces.add(namespace)
        return namespace

    @explaining(ON)
    def on(
        self,
        name: str,
        *,
        ordered: bool | None = None,
        errors: Sequence[type[EventError]] = (),
    ) -> Callable[[HandlerT], HandlerT]:
        """Register a handler in the main namespace; see :meth:`Namespace.on`."""
        return self._main.on(name, ordered=ordered, errors=errors)

    # What holds for all namespaces: the registry that they have in common.
    def exception_handler(
        self, cls: type[ErrorT]
    ) -> Callable[[ExceptionHandler[ErrorT, ResultT]], ExceptionHandler[ErrorT, ResultT]]:
        """Register the decorated function for an exception of the handlers of all namespaces.

        See :meth:`Namespace.exception_handler`; those of routers and namespaces come before.
        """
        return register_exception_handler(self.__socketio__.common, cls)

    def event_middleware(self, middleware: EventMiddlewareT) -> EventMiddlewareT:
        """Register a function that is called around the handlers of events, in all namespaces.

        See :meth:`Namespace.event_middleware`; it is called outside of those of a namespace.
        """
        self.__socketio__.common.add_event_middleware(middleware)
        return middleware

    def catch_all(self, function: HandlerT) -> HandlerT:
        """Register the handler of all events that nothing else takes, in all namespaces.

        See :meth:`Namespace.catch_all`; one of the namespace comes before.
        """
        self.__socketio__.common.set_catch_all(function)
        return function

    def on_new_namespace(self, listener: NewNamespaceT) -> NewNamespaceT:
        """Register a plain function that is given every namespace that is made from now on.

        Raises:
            TypeError: It is asynchronous, or cannot be called with one argument.

        Source: https://socket.io/docs/v4/server-api/#event-new_namespace
        """
        check_plain(listener)
        check_takes(listener, 1, "a listener to new namespaces is given the namespace")
        self._namespaces.on_new.append(listener)
        return listener

    def on_server_event(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Register a handler of other servers' events; see :meth:`Namespace.on_server_event`."""
        return self._main.on_server_event(name)

    def use(self, middleware: MiddlewareT) -> MiddlewareT:
        """Register a middleware in the main namespace; see :meth:`Namespace.use`."""
        return self._main.use(middleware)

    def emits(self, *events: AnyEvent) -> None:
        """List declared events that the main namespace sends; see :meth:`Namespace.emits`."""
        self._main.emits(*events)

    def contract(self, *, title: str = "Socket.IO API", version: str = "0.1.0") -> Contract:
        """The events of all namespaces and their types, as far as they are known by now.

        Args:
            title: The name of the application.
            version: The version of its interface.
        """
        check_text("title", title)
        check_text("version", version)
        errors = self.__socketio__.errors
        namespaces = describe(self._namespaces.all(), self._namespaces.parents, errors=errors)
        form = errors.form
        error = None if form is None else error_type(form, self._validation)
        path = self.__entry_point__.path
        return Contract(Description(title, version, path, namespaces, error))

    @property
    def sockets(self) -> Namespace:
        """The main namespace, ``/``."""
        return self._main

    @property
    def cluster(self) -> Cluster:
        """The servers that this one is joined with, and the state of what joins them."""
        return self._cluster

    # -- emitting ----------------------------------------------------------------------------

    def server_side_emit(self, event: str, *args: Any) -> Awaitable[None]:
        """Send an event to the other servers; see :meth:`Namespace.server_side_emit`."""
        return self._main.server_side_emit(event, *args)

    async def server_side_emit_with_ack(
        self, event: str, *args: Any, timeout: float = ACK_SECONDS
    ) -> list[Any]:
        """Ask the other servers; see :meth:`Namespace.server_side_emit_with_ack`."""
        return await self._main.server_side_emit_with_ack(event, *args, timeout=timeout)

    @property
    def from_thread(self) -> FromThread:
        """Asynchronous calls from a worker thread: ``io.from_thread.run(io.fetch_sockets)``."""
        return FromThread(self.__socketio__)

    # -- life --------------------------------------------------------------------------------

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncGenerator[None]:
        """The context in which the server lives; the server closes at its end.

        On trio it is needed when the server is mounted: ``Starlette(lifespan=io.lifespan)``. On
        asyncio it is optional, and where the server is the application or wraps it, automatic.
        """
        self.__socketio__.context = copy_context()
        async with self.engine.__socketio__.lifespan():
            try:
                await self.__socketio__.adapters.started()
                if self.__socketio__.cluster_engine is not None:
                    await self.__socketio__.cluster_engine.started()
                yield
            finally:
                await self.close()

    async def close(self) -> None:
        """Disconnect all clients and release everything; new ones are refused meanwhile.

        Their transports are closed, so that they connect again, to the process that serves by then.
        Calling it again does nothing.
        """
        await self.engine.__socketio__.close()
        await self.__socketio__.adapters.close()
        if self.__socketio__.cluster_engine is not None:
            await self.__socketio__.cluster_engine.close()

    def _on_bind(self, runtime: Runtime) -> None:
        core = self.__socketio__
        core.runtime = runtime
        core.context.copy().run(core.adapters.begin, runtime)
        if core.cluster_engine is not None:
            core.context.copy().run(core.cluster_engine.begin, runtime)
        for namespace in self._namespaces.all():
            namespace.loop_changed()
        self._join_deadlines = DeadlineQueue(
            runtime, self._connect_timeout, ClientConnection.disconnect, lenient=True
        )

    def _on_session(self, session: SessionCore) -> ClientConnection:
        assert self._join_deadlines is not None  # noqa: S101  # _on_bind() comes first
        return ClientConnection(self._namespaces, self.__socketio__, session, self._join_deadlines)

    def _remove_child(self, child: Namespace) -> None:
        self._namespaces.remove(child.name)
        core, adapter = self.__socketio__, child.adapter
        core.adapters.forget(adapter)
        if core.runtime is not None and adapter.needs_closing:
            core.runtime.task_starter(core.context).start(core.adapters.release, adapter)


def _adapter_observer(observer: Observer | None) -> AdapterObserver | None:
    watched = observer is not None and overrides(observer, AdapterObserver)
    return GuardedAdapters(observer) if observer is not None and watched else None


for _name, _ours in METHODS.items():
    setattr(Server, _name, ForeignMethod(_name, _ours))
