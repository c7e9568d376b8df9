"""The adapter for the workers of one start, as applications make it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from itertools import count
from typing import Unpack

from ...brokers.mesh import find_place
from ...engine.directory import SessionDirectory
from ..cluster import ClusterAdapter, ClusterSettings
from ..errors import NotRetryable
from ..provider import AdapterHost
from .directory import WorkersDirectory
from .driver import WorkersDriver
from .workers import Workers


class WorkersAdapter(ClusterAdapter):
    """Joins the workers that one command has started on this host.

    They find one another by the listening socket that they share, and carry events and requests
    for each other over Unix sockets: no broker is needed, and no sticky sessions. In a single
    process it does nothing.

    Args:
        path: The folder for their sockets, one for each start. By default it is named by the
            environment variable ``SOCKETIO_ASGI_WORKERS``, or follows from the socket that they
            share.
        options: Those of :class:`.ClusterOptions`.

    Raises:
        TypeError: There is no such option, or a value has the wrong type.
        ValueError: A value makes no sense.

    Example:
        ```python
        from socketio_asgi import Server
        from socketio_asgi.adapters import WorkersAdapter

        io = Server(adapter=WorkersAdapter())
        ```

        ```console
        $ uvicorn main:io --workers 4
        ```
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, **options: Unpack[ClusterSettings]
    ) -> None:
        super().__init__(self._driver, **options)
        self._path = path
        self._part = ""
        self._directory = WorkersDirectory()
        self._workers: Workers | None = None
        self.session_directory: SessionDirectory | None = self._directory

    @property
    def counters(self) -> Mapping[str, int]:
        """The number of connections and requests that went between the workers, by kind.

        ``handed over`` and ``taken`` count connections, ``passed on`` and ``served for others``
        requests, ``not taken`` connections that came back.
        """
        return {} if self._workers is None else dict(self._workers.counters)

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop."""
        if self._workers is not None:
            self._workers.close()
        place = (
            find_place(self._path, os.environ, self._part) if hasattr(socket, "AF_UNIX") else None
        )
        self._workers = Workers(host.runtime, place, self._directory.serve)
        self._directory.workers = self._workers
        super().enter(host)

    def _driver(self) -> WorkersDriver:
        if not hasattr(socket, "AF_UNIX"):
            raise NotRetryable(
                "WorkersAdapter needs Unix sockets, which this platform lacks in Python: use an"
                " adapter with a broker, such as Redis, and sticky sessions"
            )
        if self._workers is None:
            raise NotRetryable("the adapter was not entered")
        return WorkersDriver(self._workers)


_numbers = count(1)


def workers_by_default() -> WorkersAdapter:
    """The adapter of a server that was made without one, in one of several workers.

    The servers of an application have nothing to do with one another. Each worker makes them in the
    same order, which is how they are told apart.
    """
    return _Numbered(str(next(_numbers)))


class _Numbered(WorkersAdapter):
    """The adapter of one of several servers within each worker."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self._part = number
