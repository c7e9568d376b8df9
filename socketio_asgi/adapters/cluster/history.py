"""The memory of a server that outlives its drivers: each attempt to connect makes another one."""

from __future__ import annotations

from dataclasses import dataclass, field

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

    def belongs_to(self, server_id: str) -> bool:
        """True if it is of this server already; from now on it is."""
        before, self.server_id = self.server_id, server_id
        return before == server_id
