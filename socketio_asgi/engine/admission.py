"""Which requests are served: the checks before anything else happens.

Source: https://socket.io/docs/v4/server-api/#event-connection_error-1 for the codes, and the rows
on Origin and query parameters in https://socket.io/docs/v4/troubleshooting-connection-issues/
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping

from ..exceptions import RequestRefused
from ..protocol import EngineCodec, EngineCodecV3, EngineCodecV4
from .http.request import EngineRequest
from .http.response import ErrorCode, Refusal
from .options import EngineOptions
from .session import Session

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

CODECS: Mapping[int, EngineCodec] = {4: EngineCodecV4(), 3: EngineCodecV3()}


def check_request(request: EngineRequest, options: EngineOptions) -> None:
    """Check what every request has to fulfil.

    Raises:
        Refusal: The transport is unknown or the origin is not allowed.
    """
    if request.transport not in options.transports:
        raise Refusal(ErrorCode.UNKNOWN_TRANSPORT, detail=f"transport={request.transport[:20]!r}")
    if request.origin is not None:
        _check_origin(request, options, request.origin)


def _check_origin(request: EngineRequest, options: EngineOptions, origin: str) -> None:
    if not origin.isprintable():
        raise Refusal(ErrorCode.BAD_REQUEST, detail="the Origin header has control characters")
    if not options.origin_policy.allows(request, origin):
        raise Refusal(
            ErrorCode.FORBIDDEN,
            "Origin not allowed",
            detail=(
                f"a page of {origin[:200]!r} wanted to connect to host"
                f" {(request.header(b'host') or '')[:200]!r}; to allow it:"
                f" Server(cors={origin[:200]!r})"
            ),
        )


def check_session(request: EngineRequest, session: Session | None) -> Session:
    """Check a request that names a session.

    Raises:
        Refusal: There is no such session, or it does not fit the request.
    """
    if session is None:
        raise Refusal(ErrorCode.UNKNOWN_SID, detail="the session ended, or another process has it")
    current = session.transport.name
    if request.transport != current and not request.is_websocket:
        raise Refusal(
            ErrorCode.BAD_REQUEST, detail=f"the session is on {current}, not {request.transport}"
        )
    if request.revision != session.protocol:
        raise Refusal(ErrorCode.BAD_REQUEST, detail="EIO changed within a session")
    return session


def check_handshake(request: EngineRequest, options: EngineOptions) -> EngineCodec:
    """Check a request that asks for a new session.

    Returns:
        The codec of the revision that the client speaks.

    Raises:
        Refusal: The method, the transport or the revision is not possible.
    """
    if request.method != "GET":
        raise Refusal(ErrorCode.BAD_HANDSHAKE_METHOD, detail=f"method {request.method[:20]!r}")
    if request.is_websocket != (request.transport == "websocket"):
        raise Refusal(
            ErrorCode.BAD_REQUEST,
            detail=f"transport={request.transport} in a {request.scope['type']} request",
        )
    revision = request.revision
    if revision is None or (revision == 3 and not options.allow_eio3):
        raise Refusal(
            ErrorCode.UNSUPPORTED_PROTOCOL_VERSION,
            detail=f"EIO={request.query.get('EIO', '')[:20]!r}"
            + ("; Server(allow_eio3=True) lets 2.x clients connect" if revision == 3 else ""),
        )
    return CODECS[revision]


async def check_allowed(request: EngineRequest, options: EngineOptions) -> None:
    """Ask the application's ``allow_request`` about a new session.

    Raises:
        Refusal: It said no.
    """
    if options.allow_request is None:
        return
    try:
        result = options.allow_request(request)
        if inspect.isawaitable(result):
            result = await result
    except RequestRefused as error:
        raise Refusal(ErrorCode.FORBIDDEN, error.message, status=error.status) from error
    except Exception as error:
        logger.exception("allow_request raised; the request is refused")
        raise Refusal(ErrorCode.FORBIDDEN, detail="allow_request raised") from error
    if result is False:
        raise Refusal(ErrorCode.FORBIDDEN, detail="allow_request returned False")
