"""The memory of a server that outlives its drivers: each attempt to connect makes another one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...exceptions import NotRetryable
from ...runtime import Runtime


@dataclass(slots=True)
class History:
    """The memory that the drivers of one server share.

    Attributes:
        server_id: The id of the server; None before the first connection.
        runtime: The event loop that a client or a pool of the application is used in.
    """

    server_id: str | None = None
    runtime: Runtime | None = field(default=None, repr=False)

    @contextmanager
    def connecting(self, server_id: str) -> Generator[bool]:
        """Connect within this context, which gives whether the server was connected before.

        What forbids a server to connect at all is only a hindrance to one that was connected: a
        password that is being changed.

        Args:
            server_id: The id of the server; kept when the context ends without an error.

        Raises:
            ConnectionError: It cannot connect again now.
            NotRetryable: It can never connect.
        """
        connected_before = self.server_id == server_id
        try:
            yield connected_before
        except NotRetryable as error:
            if connected_before:
                raise ConnectionError(str(error)) from error
            raise
        self.server_id = server_id
