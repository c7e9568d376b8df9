"""The server: an ASGI application, its options and its life.

Source: https://socket.io/docs/v4/server-api/ and https://socket.io/docs/v4/server-options/
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from ..adapters import AdapterFactory, AdapterLifecycle, ClusterEngine, ConnectionStateRecovery
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
from ..events.context import ServerBase
from ..events.dependencies.markers import check_dependencies
from ..events.dependencies.solver import DependencySolver
from ..events.errors import ErrorAck, error_form
from ..events.foreign_words import METHODS, SERVER, ForeignMethod, explaining
from ..events.planning import Rules
from ..events.scopes import HandlerScope
from ..extensions.direct import DirectRequests
from ..protocol import Parser
from ..runtime import Runtime
from ..runtime.deadlines import DeadlineQueue
from ..validation.types import Preference
from .client_connection import ClientConnection
from .cluster import Cluster
from .core import ServerCore
from .describing import describe, error_type
from .event_context import EventContext
from .from_thread import FromThread
from .namespace import Namespace
from .namespace_host import NamespaceHost
from .namespace_registry import NamespaceRegistry
from .observer import Observer, check_observer
from .options import (
    as_adapter_factory,
    as_bearer_key,
    as_cluster_engine,
    as_error_options,
    as_parser,
    as_path,
    as_preference,
    as_recovery,
)
from .selection import Selection

MAX_EVENTS_IN_FLIGHT = 100
"""Events of one socket that may wait or be handled at a time, before its connection is not read
any further until some are done."""

MAX_BYTES_IN_FLIGHT = 16 * 1024 * 1024
"""Bytes of large events of one connection that may wait or be handled at a time, in memory: what a
client sends may take thirty times as much there."""

MAX_NAMESPACES = 1000
"""Namespaces that one client may be in at a time: each has a socket, and names cost nothing."""


class Server(NamespaceHost, ServerBase):
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
        self.dependency_overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
        solver = DependencySolver(self.dependency_overrides, as_bearer_key(bearer_from_auth))
        self._connect_timeout = check_seconds("connect_timeout", connect_timeout, MAX_SECONDS)
        self._join_deadlines: DeadlineQueue[ClientConnection] | None = None
        self._cleanup = cleanup_empty_child_namespaces
        if self._cleanup is not None:
            check_flag("cleanup_empty_child_namespaces", self._cleanup)
        self._namespaces = NamespaceRegistry()
        adapters = AdapterLifecycle(as_adapter_factory(adapter))
        sharing = as_cluster_engine(cluster_engine, adapters)
        self.engine: Engine = Engine(
            options,
            self._on_session,
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
            errors=as_error_options(error_ack, error_event),
            planner=Rules(as_preference(validation), solver).plan,
            scope=HandlerScope(check_dependencies(dependencies)),
            public=self,
            make_context=EventContext,
            validate_emits=check_flag("validate_emits", validate_emits),
        )
        if observer is not None:
            self.observe(observer)
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

    def __direct_requests__(self) -> Mapping[bytes, DirectRequests]:
        """The requests that need no ASGI; see :mod:`socketio_asgi.extensions.direct`."""
        if type(self).__call__ is not Server.__call__:
            return {}  # a subclass does something around it
        return self.__entry_point__.direct_requests(lambda _scope: None)

    def __repr__(self) -> str:
        return f"<Server {self.engine.clients_count} clients, {len(self._namespaces)} namespaces>"

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

    def observe(self, observer: Observer) -> None:
        """Tell an observer of everything that happens from now on, beside those there are.

        It sees the connections and the sockets that are made from now on.

        Args:
            observer: An object of a subclass of :class:`socketio_asgi.server.Observer`.

        Raises:
            TypeError: It is none, or a method of it is asynchronous.
        """
        check_observer(observer)
        self.__socketio__.observe(observer)

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
        for companion in self.__socketio__.companions:
            companion.end()
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
        for companion in core.companions:
            companion.begin(runtime)

    def _on_session(self, session: SessionCore) -> ClientConnection:
        assert self._join_deadlines is not None  # noqa: S101  # _on_bind() comes first
        return ClientConnection(self._namespaces, self.__socketio__, session, self._join_deadlines)


for _name, _ours in METHODS.items():
    setattr(Server, _name, ForeignMethod(_name, _ours))
