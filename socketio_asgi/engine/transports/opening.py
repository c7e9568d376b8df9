"""The choice between the transports for an accepted WebSocket."""

from __future__ import annotations

from starlette.types import Receive, Send

from ...extensions.websocket import find_attach
from ...protocol import EngineCodec
from ...runtime import Runtime
from ..http.request import EngineRequest, asgi_version
from .base import ConnectionTransport
from .outbox import Outbox
from .taken_over import TakenOverTransport
from .websocket import WebSocketTransport

NAMED_REASONS = (2, 4)
"""The version of ASGI's WebSocket specification from which on a close comes with its reason."""


def open_websocket(
    runtime: Runtime,
    codec: EngineCodec,
    request: EngineRequest,
    receive: Receive,
    send: Send,
    *,
    max_payload: int,
) -> ConnectionTransport:
    """A transport for an accepted WebSocket: without ASGI in between, where the server offers that.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        request: The handshake of the WebSocket.
        receive: The ASGI receive channel.
        send: The ASGI send channel.
        max_payload: The largest message that is accepted, in bytes.
    """
    attach = find_attach(request.scope)
    if attach is not None:
        taken_over = TakenOverTransport(runtime, codec, Outbox())
        if taken_over.take_over(attach, max_payload=max_payload):
            return taken_over
    return WebSocketTransport(
        runtime,
        codec,
        Outbox(),
        receive,
        send,
        max_payload=max_payload,
        names_reasons=asgi_version(request.scope) >= NAMED_REASONS,
    )
