"""The first words of a client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Offer:
    """A client's wish: a new session, or one that it has, by a transport.

    Admission decides about this value and not about a request, because a transport may bring it in
    another way than the query, for example in its first packet.

    Attributes:
        revision: The revision of the Engine.IO protocol that the client speaks; None for none
            that there is.
        transport: The name of the transport.
        sid: The id of the session; empty for a new one.
    """

    revision: int | None
    transport: str
    sid: str = ""
