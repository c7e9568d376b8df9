"""The checks that decide which requests are served, before anything else happens.

They look at the :class:`~.offer.Offer` of a client, and at its request where the answer is only
there: its method and origin, and whatever the application's ``allow_request`` wants to know.

Source: https://socket.io/docs/v4/server-api/#event-connection_error-1 for the codes, and the rows
on Origin and query parameters in https://socket.io/docs/v4/troubleshooting-connection-issues/
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping

from ..checks import shown
from ..exceptions import RequestRefused
from ..protocol import EngineCodec, EngineCodecV3, EngineCodecV4
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from .directory import AddressedSession
from .http.hosts import names_allowed_host
from .http.request import EngineRequest
from .http.response import ErrorCode, Refusal
from .offer import Offer
from .options import EngineOptions
from .transports.registry import TRANSPORTS

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

CODECS: Mapping[int, EngineCodec] = {4: EngineCodecV4(), 3: EngineCodecV3()}


def check_offer(offer: Offer, request: EngineRequest, options: EngineOptions) -> None:
    """Check what every client has to fulfil.

    Raises:
        Refusal: The host or the origin is not allowed, or the transport is unknown.
    """
    if not names_allowed_host(request, options.host_patterns):
        raise _host_refusal(request)
    if offer.transport not in options.transports:
        raise Refusal(ErrorCode.UNKNOWN_TRANSPORT, detail=f"transport={offer.transport[:20]!r}")
    if request.origin is not None:
        _check_origin(request, options, request.origin)


def _host_refusal(request: EngineRequest) -> Refusal:
    host = (request.header(b"host") or "")[:200]
    name = host.rpartition(":")[0] or host
    return Refusal(
        ErrorCode.FORBIDDEN,
        "Host not allowed",
        detail=f"the request is for {host!r}; to allow it: Server(allowed_hosts=[{name!r}, ...])",
    )


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


def check_session(
    offer: Offer, session: AddressedSession | None, *, moves_on: bool
) -> AddressedSession:
    """Check the offer of a client that names a session.

    Args:
        offer: The words of the client.
        session: The session, if there is one of that id.
        moves_on: Whether the request opens another transport for it; otherwise it is one of those
            that carry its packets.

    Raises:
        Refusal: There is no such session, or it does not fit the offer.
    """
    if session is None:
        raise Refusal(ErrorCode.UNKNOWN_SID, detail="the session ended, or another process has it")
    if not moves_on and offer.transport != session.transport.name:
        detail = f"the session is on {session.transport.name}, not {offer.transport}"
        raise Refusal(ErrorCode.BAD_REQUEST, detail=detail)
    if offer.revision != session.codec.revision:
        raise Refusal(ErrorCode.BAD_REQUEST, detail="EIO changed within a session")
    return session


def check_handshake(offer: Offer, request: EngineRequest, options: EngineOptions) -> EngineCodec:
    """Check the offer of a client that asks for a new session.

    Returns:
        The codec of the revision that the client speaks.

    Raises:
        Refusal: The method, the transport or the revision is not possible.
    """
    if request.method != "GET":
        raise Refusal(ErrorCode.BAD_HANDSHAKE_METHOD, detail=f"method {request.method[:20]!r}")
    scope_type: str = request.scope["type"]
    if scope_type != TRANSPORTS[offer.transport].scope_type:
        raise Refusal(
            ErrorCode.BAD_REQUEST, detail=f"transport={offer.transport} in a {scope_type} request"
        )
    if "j" in request.query and scope_type == "http":
        raise Refusal(
            ErrorCode.BAD_REQUEST, "JSONP is not supported", detail="the query has a parameter j"
        )
    revision = offer.revision
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
        result: object = options.allow_request(request)
        if inspect.isawaitable(result):
            result = await result
    except RequestRefused as error:
        raise Refusal(ErrorCode.FORBIDDEN, error.message, status=error.status) from error
    except Exception as error:
        if may_log_fault(locate(options.allow_request), error):
            logger.exception("allow_request raised; the request is refused")
        raise Refusal(ErrorCode.FORBIDDEN, detail="allow_request raised") from error
    if result is False:
        raise Refusal(ErrorCode.FORBIDDEN, detail="allow_request returned False")
    if not (result is True or result is None):
        if may_log_fault(locate(options.allow_request)):
            logger.error(
                "allow_request returned %s, and neither True nor False; the request is refused",
                shown(result),
            )
        raise Refusal(ErrorCode.FORBIDDEN, detail="allow_request returned no decision")
