"""The opening of sessions: capacity, ids, and the first that happens in them."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Scope

from ..protocol import EngineCodec
from ..protocol.states import SessionState
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from ..websocket.headers import Header
from .admission import check_allowed, check_handshake
from .cookies import cookie_header
from .directory import SessionDirectory
from .exchange import SessionListener
from .http.request import EngineRequest
from .http.response import ErrorCode, Refusal, Response
from .loop_state import LoopState
from .observers import Observers
from .offer import Offer
from .options import EngineOptions, generate_sid
from .session import SessionCore
from .transports.base import Transport
from .transports.outbox import Outbox
from .transports.polling import PollingTransport
from .transports.registry import upgrades

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

MAX_ID_ATTEMPTS = 3
"""The times that ``generate_id`` may return an id which is in use."""

_VISIBLE = re.compile(r"[!-~]*")

OnSession = Callable[[SessionCore], SessionListener]
"""Called with each new session; returns the receiver of its messages."""


@dataclass(slots=True)
class Admission:
    """The permission to open a session.

    Attributes:
        codec: The revision of the protocol that the client speaks.
        sid: The id of the session, not in use so far.
        headers: Headers of the response that opens it.
    """

    codec: EngineCodec
    sid: str
    headers: list[Header]


class SessionOpener:
    """Opens the sessions of an engine.

    Args:
        options: The engine's options.
        observers: The engine's observers.
        on_session: Called with each new session.
        on_request: Called with the scope of each request for a new session.
        directory: The sessions of other engines; None when there are none.
    """

    def __init__(
        self,
        options: EngineOptions,
        observers: Observers,
        on_session: OnSession,
        on_request: Callable[[LoopState, Scope], object],
        directory: SessionDirectory | None,
    ) -> None:
        self._options = options
        self._observers = observers
        self._on_session = on_session
        self._on_request = on_request
        self._directory = directory
        # Ids of the directory's making, unless the application makes them.
        self._id_maker = directory if options.generate_id is generate_sid else None

    async def admit(self, loop_state: LoopState, offer: Offer, request: EngineRequest) -> Admission:
        """Decide about a new session.

        Raises:
            Refusal: There will be none.
        """
        codec = self._check(loop_state, offer, request)
        await check_allowed(request, self._options)
        sid = await self._generate_id(loop_state, request)
        # Once more: allow_request and generate_id may have taken their time.
        self.check_room(loop_state)
        return self._admission(codec, sid)

    def admit_at_once(
        self, loop_state: LoopState, offer: Offer, request: EngineRequest
    ) -> Admission | None:
        """Decide about a new session as :meth:`admit` does; None when the application is asked.

        Raises:
            Refusal: There will be none.
        """
        options = self._options
        if options.allow_request is not None or options.generate_id is not generate_sid:
            return None
        codec = self._check(loop_state, offer, request)
        sid = generate_sid(request) if self._id_maker is None else self._id_maker.new_id()
        return None if loop_state.knows(sid) else self._admission(codec, sid)

    def _check(self, loop_state: LoopState, offer: Offer, request: EngineRequest) -> EngineCodec:
        codec = check_handshake(offer, request, self._options)
        self._on_request(loop_state, request.scope)
        self.check_room(loop_state)
        return codec

    def _admission(self, codec: EngineCodec, sid: str) -> Admission:
        cookie = self._options.cookie
        return Admission(codec, sid, [] if cookie is None else [cookie_header(cookie, sid)])

    def open_polling(
        self, loop_state: LoopState, admission: Admission, request: EngineRequest
    ) -> Response:
        """Open a session on polling; returns the answer to the request."""
        transport = PollingTransport(
            loop_state.runtime,
            admission.codec,
            Outbox(),
            max_payload=self._options.max_http_buffer_size,
            body_timeout=self._options.http_request_body_timeout,
            supports_binary="b64" not in request.query,
        )
        self.open(loop_state, admission, request, transport)
        return transport.open_answer().with_headers(admission.headers)

    def open(
        self,
        loop_state: LoopState,
        admission: Admission,
        request: EngineRequest,
        transport: Transport,
    ) -> None:
        """Open a session on its first transport."""
        loop_state.common.share(request.scope)
        session = SessionCore(loop_state, admission.sid, admission.codec, request, transport)
        loop_state.sessions[admission.sid] = session
        if self._directory is not None:
            self._directory.opened(admission.sid)
            delay = self._directory.start_delay
            if delay and self._may_move(transport):
                return session.delay_start(delay, lambda: self._introduce(session, session.listen))
        self._introduce(session, session.open)

    def adopt(
        self,
        loop_state: LoopState,
        sid: str,
        codec: EngineCodec,
        request: EngineRequest,
        transport: Transport,
    ) -> SessionCore:
        """Go on with a session of another engine, whose client has moved to a transport here."""
        loop_state.common.share(request.scope)
        self._on_request(loop_state, request.scope)
        session = SessionCore(loop_state, sid, codec, request, transport)
        loop_state.sessions[sid] = session
        if self._directory is not None:
            self._directory.opened(sid)
        self._introduce(session, session.open_elsewhere)
        return session

    def _may_move(self, transport: Transport) -> bool:
        options = self._options
        allowed = options.transports if options.allow_upgrades else ()
        return bool(upgrades(transport.name, allowed))

    def _introduce(self, session: SessionCore, listen: Callable[[SessionListener], object]) -> None:
        """Tell everybody of a session.

        Args:
            session: The session.
            listen: Gives the session the receiver of its messages.
        """
        observers = self._observers
        if observers.of_sessions:
            session.observe(*observers.of_sessions)
        listen(self._on_session(session))
        if observers.opening:
            observers.opened(session.public)
        if session.state is not SessionState.CLOSED:  # as a listener may have had it
            session.listener.on_open()

    def check_room(self, loop_state: LoopState) -> None:
        """Check that the engine takes another session.

        Raises:
            Refusal: It does not.
        """
        limit = self._options.max_clients
        if loop_state.shutting_down:
            raise Refusal(ErrorCode.FORBIDDEN, "Server is shutting down", status=503)
        if limit is not None and loop_state.clients_count >= limit:
            raise Refusal(
                ErrorCode.FORBIDDEN, "Too many clients", status=503, detail=f"max_clients={limit}"
            )

    async def _generate_id(self, loop_state: LoopState, request: EngineRequest) -> str:
        for _ in range(MAX_ID_ATTEMPTS):
            try:
                sid = self._new_id(request)
                if not isinstance(sid, str) and inspect.isawaitable(sid):
                    sid = await sid
                _check_id(sid)
            except Exception as error:
                if may_log_fault(locate(self._options.generate_id), error):
                    logger.exception(
                        "generate_id raised, or returned no id; the request is refused"
                    )
                raise Refusal(ErrorCode.BAD_REQUEST, detail="generate_id raised") from error
            if sid and not loop_state.knows(sid):
                return sid
        raise Refusal(ErrorCode.BAD_REQUEST, detail="generate_id returned no unused id")

    def _new_id(self, request: EngineRequest) -> str | Awaitable[str]:
        if self._id_maker is not None:
            return self._id_maker.new_id()
        return self._options.generate_id(request)


def _check_id(sid: object) -> None:
    """Check an id of the application's making, which stands in addresses, cookies and JSON.

    The error does not show it, because it would be a secret.

    Raises:
        TypeError: It is not text.
        ValueError: It has white space, control characters or others beyond ASCII.
    """
    if not isinstance(sid, str):
        raise TypeError(f"generate_id has to return a str, not an object of {type(sid)!r}")
    if not _VISIBLE.fullmatch(sid):
        raise ValueError("generate_id has to return visible ASCII characters")
