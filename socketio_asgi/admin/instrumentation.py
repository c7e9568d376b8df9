"""``instrument(io, auth=...)``: the server side of the official admin UI.

Source: https://socket.io/docs/v4/admin-ui/
"""

from __future__ import annotations

import logging
import os
import socket as sockets
from datetime import UTC, datetime
from typing import Any

from ..runtime import Cancellable, Runtime
from ..server.namespace import Namespace
from ..server.server import Server
from ..server.socket import Socket
from .channel import Channel
from .commands import COMMANDS, register_commands
from .login import Login
from .namespace import AdminNamespace
from .options import AdminOptions, Auth, Mode, checked_options
from .sessions import SessionStore
from .snapshot import all_sockets
from .statistics import PacketStatistics, Statistics
from .watching import Watcher

logger: logging.Logger = logging.getLogger("socketio_asgi.admin")

STATS_SECONDS = 2.0
"""The time between two statistics; a page takes a server that is silent for ten seconds for ill."""


SOON_SECONDS = 0.1
"""The time between an event of a socket and the look at its data, which it may have changed."""


def instrument(
    io: Server,
    *,
    auth: Auth,
    namespace_name: str = "/admin",
    readonly: bool = False,
    server_id: str | None = None,
    mode: Mode = "development",
    store: SessionStore | None = None,
    count_packets: bool | None = None,
) -> Namespace:
    """Let the official admin UI show and manage a server.

    Call it once, before the server is used.

    Args:
        io: The server.
        auth: Who may log in: :class:`BasicAuth`, a dict with its arguments, or False to let
            everybody in who reaches the server.
        namespace_name: The namespace that the UI connects to.
        readonly: Whether nothing can be done there but looking.
        server_id: The name of this server in the UI; None is its host and the id of its process.
        mode: ``"development"`` shows sockets, rooms and events, which costs something for each of
            them; ``"production"`` shows statistics alone.
        store: Where the sessions of people are kept who have logged in; None is the memory of this
            server, :class:`MemorySessionStore`.
        count_packets: Whether packets and bytes are counted; None does so in development mode.

    Returns:
        The namespace.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value makes no sense; there is a namespace of that name already, or the server
            was instrumented before.
        ModuleNotFoundError: There is a password, and bcrypt is not installed.

    Source: https://socket.io/docs/v4/admin-ui/
    """
    if not isinstance(io, Server):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"instrument() takes a Server, not a {type(io).__name__}")
    options = checked_options(
        auth,
        readonly=readonly,
        server_id=server_id,
        mode=mode,
        store=store,
        count_packets=count_packets,
    )
    if any(isinstance(companion, _Admin) for companion in io.__socketio__.companions):
        raise ValueError("the server was instrumented before")
    namespace = AdminNamespace(namespace_name)
    io.__apart__(namespace)
    io.__socketio__.attach(_Admin(io, namespace, options))
    return namespace


class _Admin:
    """The admin UI of one server.

    Args:
        io: The server.
        namespace: The admin namespace.
        options: Its options.
    """

    def __init__(self, io: Server, namespace: Namespace, options: AdminOptions) -> None:
        self._io = io
        self._options = options
        self._channel = Channel(namespace)
        self._runtime: Runtime | None = None
        self._timer: Cancellable | None = None
        self._soon: Cancellable | None = None
        self._began = datetime.now(UTC)
        self._features = [] if options.readonly else list(COMMANDS)
        self._features.append("AGGREGATED_EVENTS")
        self._login: Login | None = None
        self._watcher: Watcher | None = None
        if options.auth is None:
            logger.warning("the admin UI lets everybody in who reaches the server (auth=False)")
        else:
            self._login = Login(options.auth, options.store, namespace.__socketio__)
            namespace.use(self._login.admit)
        namespace.on("connection")(self._connected)
        if not options.readonly:
            register_commands(namespace, io)
        self._statistics = PacketStatistics() if options.count_packets else Statistics()
        io.observe(self._statistics)
        if options.development:
            self._features.append("ALL_EVENTS")
            self._watcher = Watcher(io, self._channel, self._now, self._check_soon)
            io.observe(self._watcher)

    def _now(self) -> float:
        return 0.0 if self._runtime is None else self._runtime.now()

    # -- life --------------------------------------------------------------------------------

    def begin(self, runtime: Runtime) -> None:
        """Begin in an event loop, the first or another one."""
        self.end()
        self._runtime = runtime
        self._options.store.begin(runtime)
        self._tick(runtime)

    def end(self) -> None:
        """End, because the server closes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None

    def _tick(self, runtime: Runtime) -> None:
        self._timer = runtime.call_later(STATS_SECONDS, lambda: self._tick(runtime))
        try:
            counted = self._statistics.take()
            if self._channel.heard:
                self._channel.tell("server_stats", self._stats(counted))
            if self._watcher is not None:
                self._watcher.check_data()
        except Exception:
            if self._io.__socketio__.clients_log.may_log("statistics", "admin"):
                logger.exception("the statistics of the admin UI cannot be sent")

    def _check_soon(self) -> None:
        if self._soon is None and self._runtime is not None:
            self._soon = self._runtime.call_later(SOON_SECONDS, self._check_touched)

    def _check_touched(self) -> None:
        self._soon = None
        if self._watcher is not None:
            self._watcher.check_touched()

    def _stats(self, counted: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "serverId": self._options.server_id,
            "hostname": sockets.gethostname(),
            "pid": os.getpid(),
            "uptime": (datetime.now(UTC) - self._began).total_seconds(),
            "clientsCount": self._io.engine.clients_count,
            "pollingClientsCount": len(self._statistics.polling),
            "aggregatedEvents": counted,
            "namespaces": [
                {"name": namespace.name, "socketsCount": len(namespace.sockets)}
                for namespace in self._io.namespaces.values()
            ],
        }

    # -- pages -------------------------------------------------------------------------------

    async def _connected(self, socket: Socket[Any]) -> None:
        session_id = None if self._login is None else self._login.new_session(socket)
        if session_id is not None:
            socket.emit("session", session_id)
        socket.emit("config", {"supportedFeatures": self._features})
        if self._watcher is not None:
            socket.emit("all_sockets", await all_sockets(self._io))
