"""Choices of sockets that a client describes."""

from __future__ import annotations

from typing import Any

from socketio_asgi import Socket
from socketio_asgi.server.broadcast import Broadcaster


def choose(socket: Socket, plan: dict[str, Any]) -> Broadcaster:
    """The operator for a choice of sockets.

    Args:
        socket: Who chooses.
        plan: ``from`` what it begins (``namespace``, ``socket`` or ``broadcast``), ``to`` which
            rooms it leads, one after another, and which ones it leaves out (``except``).
    """
    operator: Any = {
        "namespace": socket.namespace,
        "socket": socket,
        "broadcast": socket.broadcast,
    }[plan["from"]]
    for room in plan.get("to", ()):
        operator = operator.to(room)
    if plan.get("except"):
        operator = operator.except_(*plan["except"])
    chosen: Broadcaster = operator
    return chosen
