"""The sessions of an engine, for a directory that lets other engines use them."""

from __future__ import annotations

from ..protocol import EngineCodec
from ..runtime import Runtime
from .admission import check_allowed
from .http.request import EngineRequest
from .loop_state import LoopState
from .opening import SessionOpener
from .options import EngineOptions
from .session import SessionCore
from .transports.base import ConnectionTransport


class EngineSessions:
    """The sessions in one event loop; see :class:`.directory.LocalSessions`.

    Args:
        loop_state: The state that all sessions share.
        opener: Opens new sessions.
    """

    def __init__(self, loop_state: LoopState, opener: SessionOpener) -> None:
        self._loop_state = loop_state
        self._opener = opener

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        return self._loop_state.runtime

    @property
    def options(self) -> EngineOptions:
        """The options of the engine."""
        return self._loop_state.options

    @property
    def shutting_down(self) -> bool:
        """True when the engine ends."""
        return self._loop_state.shutting_down

    def get(self, sid: str) -> SessionCore | None:
        """The session of that id, which may be at its end; None when there is none."""
        loop_state = self._loop_state
        session = loop_state.sessions.get(sid) or loop_state.ended.get(sid)
        return session if isinstance(session, SessionCore) else None

    async def check_allowed(self, request: EngineRequest) -> None:
        """Check a request by which a session would move here, as if it opened one.

        Raises:
            Refusal: It must not.
        """
        self._opener.check_room(self._loop_state)
        await check_allowed(request, self.options)

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        self._loop_state.server_exits()

    def adopt(
        self, sid: str, codec: EngineCodec, request: EngineRequest, transport: ConnectionTransport
    ) -> SessionCore:
        """Go on with a session of another engine, whose client has moved to a transport here."""
        return self._opener.adopt(self._loop_state, sid, codec, request, transport)
