"""The HTTP long-polling transport: one GET waits for packets, POSTs bring some.

Source: https://socket.io/docs/v4/engine-io-protocol/#http-long-polling
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import ClassVar, Protocol

from ...protocol import DecodeError, EngineCodec, OutgoingPacket
from ...protocol.engine_packet import CLOSE, NOOP
from ...protocol.reasons import PARSE_ERROR, TRANSPORT_CLOSE, TRANSPORT_ERROR
from ...runtime import Cancellable, Runtime
from ...websocket.frames import MEDIUM
from ...websocket.python_events import EVENT, read_event
from ...websocket.reader import OnEvent
from ..http.body import BodyTooLarge, ClientGone, RequestBody
from ..http.request import EngineRequest
from ..http.response import BINARY, HTML, TEXT, ErrorCode, Refusal, Response
from .base import Transport, TransportName
from .outbox import Outbox

PROBE_POLL_SECONDS = 0.1
"""The time that a poll may wait while the client tries to upgrade: the client cannot complete the
upgrade before its poll is answered."""

_OK = Response(200, b"ok", HTML)


class WaitingPoll(Protocol):
    """A poll that waits: the scope of a task, or something that answers without one."""

    def cancel(self) -> object:
        """Called once, when there is something to answer."""
        ...


class PollingTransport(Transport):
    """Packets in the bodies of HTTP requests and responses.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets to send.
        max_payload: The largest body in both directions, in bytes.
        body_timeout: The time that a client may take for the body of a request, in seconds.
        supports_binary: False when the client asked for base64 (revision 3).
    """

    __slots__ = (
        "_body_timeout",
        "_closing",
        "_distant_poll",
        "_last",
        "_max_payload",
        "_noop_due",
        "_on_event",
        "_posting",
        "_reads",
        "_released",
        "_soon",
        "_supports_binary",
        "_waiting_poll",
        "_woken",
    )

    name: TransportName = "polling"
    scope_type: ClassVar[str] = "http"

    def __init__(
        self,
        runtime: Runtime,
        codec: EngineCodec,
        outbox: Outbox,
        *,
        max_payload: int,
        body_timeout: float,
        supports_binary: bool,
    ) -> None:
        super().__init__(runtime, codec, outbox)
        self._max_payload = max_payload
        self._body_timeout = body_timeout
        self._supports_binary = supports_binary
        # The poll that waits, to wake it up.
        self._waiting_poll: WaitingPoll | None = None
        # What answers a poll that waits at another engine, in place of such a scope.
        self._distant_poll: Callable[[list[OutgoingPacket]], object] | None = None
        self._soon: Cancellable | None = None
        self._woken = False
        self._posting = False
        self._on_event: OnEvent | None = None
        self._reads = True
        # The client is about to move on to another transport.
        self._released = False
        self._noop_due = False
        self._closing = False
        # The answer to polls once this transport is at its end; the outbox is not its own then.
        self._last: list[OutgoingPacket] | None = None

    def set_on_event(self, on_event: OnEvent) -> None:
        """Set the receiver of short events; they have no such form in revision 3."""
        if self.codec.revision != 3:
            self._on_event = on_event

    @property
    def connected(self) -> bool:
        """True while a poll waits."""
        return self._waiting_poll is not None or self._distant_poll is not None

    @property
    def writable(self) -> bool:
        """True while a poll waits, and nothing has been sent to it yet."""
        return self.connected and not self._woken

    @property
    def tells_end(self) -> bool:
        """True while a poll waits that nothing else is sent to, and after the end."""
        return self._last is not None or (self.connected and self.outbox.first is None)

    def watch_reading(self) -> None:
        """Forget that the client has polled."""
        self._reads = False

    @property
    def reads(self) -> bool:
        """True when a poll was answered since then."""
        return self._reads

    def flush(self) -> None:
        """Answer the poll that waits, if there is one."""
        if self._waiting_poll is not None and not self._woken:
            self._woken = True
            self._waiting_poll.cancel()
        elif self._distant_poll is not None and not self._woken:
            self._woken = True
            self._soon_answer_distant_poll(0.0)  # with all that this turn of the loop brings

    # -- moving on to another transport --------------------------------------------------------

    def release(self) -> None:
        """End this poll or the next one at once, and later ones soon."""
        self._released = self._noop_due = True
        self.flush()

    def hold(self) -> None:
        """Let polls wait as usual again: the upgrade failed."""
        self._released = self._noop_due = False

    def retire(self) -> None:
        """Answer polls with a NOOP: the client knows that this transport is done."""
        self._end([NOOP])

    # -- closing -----------------------------------------------------------------------------

    def close(self) -> None:
        """Answer polls with everything that waits, and the one after that with a CLOSE."""
        self._closing = True
        self.flush()

    def abort(self) -> None:
        """Answer polls with a CLOSE; the owner is told at once, and drops what waits."""
        self._fail(TRANSPORT_CLOSE)

    def _end(self, last: list[OutgoingPacket]) -> None:
        if self._last is None:
            self._last = last
        self.flush()

    def _fail(self, reason: str, description: str | None = None) -> None:
        # First the end: the owner may open the way for another request when it is told. What the
        # poll that waits was woken for is as good as sent.
        outbox, last = self.outbox, [CLOSE]
        if self._last is None and self.connected and outbox.first is not None:
            last = outbox.take(self.codec.fitting(outbox, self._max_payload))
        self._end(last)
        self._on_event = None
        self._report_end(reason, description)

    # -- polls that came to other engines --------------------------------------------------------

    def wait_elsewhere(self, answer: Callable[[list[OutgoingPacket]], object]) -> bool:
        """Let a poll wait that came to another engine; False while one waits here.

        The newest counts: one that waits elsewhere already is answered with a NOOP.

        Args:
            answer: Called once with the packets of the answer, unless the poll is forgotten.
        """
        if self._waiting_poll is not None:
            return False
        self.dismiss_distant_poll()
        self._distant_poll, self._woken = answer, False
        if self._has_answer():
            self.flush()
        elif self._released:
            self._soon_answer_distant_poll(PROBE_POLL_SECONDS)
        return True

    def dismiss_distant_poll(self) -> None:
        """Answer the poll that waits at another engine with a NOOP."""
        answer = self.forget_distant_poll()
        if answer is not None:
            answer([NOOP])

    def forget_distant_poll(self) -> Callable[[list[OutgoingPacket]], object] | None:
        """Forget the poll that waits at another engine; returns what would have answered it."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        answer, self._distant_poll = self._distant_poll, None
        return answer

    def _soon_answer_distant_poll(self, seconds: float) -> None:
        if self._soon is not None:
            self._soon.cancel()
        self._soon = self.runtime.call_later(seconds, self._answer_distant_poll)

    def _answer_distant_poll(self) -> None:
        answer = self.forget_distant_poll()
        if answer is not None:
            answer(self._take())

    # -- requests ----------------------------------------------------------------------------

    def serve(self, request: EngineRequest, body: RequestBody) -> Awaitable[Response]:
        """Serve a request of the session: a poll, or packets of the client.

        Raises:
            Refusal: It is neither.
        """
        if request.method == "GET":
            return self._poll(body)
        if request.method == "POST":
            return self._post(request, body)
        return super().serve(request, body)

    async def _poll(self, body: RequestBody) -> Response:
        """Wait for packets and answer with them."""
        if self._waiting_poll is not None:
            self._fail(TRANSPORT_ERROR, "overlap from client")
            return Refusal(ErrorCode.BAD_REQUEST).response()
        if self._distant_poll is not None:  # perhaps a retry by a proxy: the client goes on
            return Refusal(ErrorCode.BAD_REQUEST).response()
        if not self._has_answer():
            await self.runtime.cancellable(self._wait(body))
        return self.answer()

    async def _post(self, request: EngineRequest, body: RequestBody) -> Response:
        """Take the packets of a request. The answer waits for no handler."""
        if self._posting:
            self._fail(TRANSPORT_ERROR, "data request overlap from client")
            return await self._behind_poll(Refusal(ErrorCode.BAD_REQUEST).response())
        self._posting = True
        owner = self.owner
        try:
            if owner.paused:
                await owner.readable()
            payload = await body.read(self.runtime, self._max_payload, self._body_timeout)
            binary = request.header(b"content-type") == "application/octet-stream"
            # All of them are decoded before the first is handled: a bad payload has no effect.
            owner.receive_packets(self.codec.decode_payload(payload, binary=binary))
        except BodyTooLarge:
            self._fail(TRANSPORT_ERROR, "payload too large")
            answer = Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except TimeoutError:
            self._fail(TRANSPORT_ERROR, "http request timeout")
            answer = Response(HTTPStatus.REQUEST_TIMEOUT)
        except ClientGone:
            self._fail(TRANSPORT_ERROR, "data request connection closed prematurely")
            answer = Refusal(ErrorCode.BAD_REQUEST).response()
        except DecodeError as error:
            self._fail(PARSE_ERROR, str(error))
            answer = Refusal(ErrorCode.BAD_REQUEST).response()
        else:
            return _OK
        finally:
            self._posting = False
        return await self._behind_poll(answer)

    async def _behind_poll(self, answer: Response) -> Response:
        """Let the poll that waits be answered first, with its CLOSE, as by the official server.

        A client with two answers says that its connection ended as the first one says.
        """
        while self._waiting_poll is not None:
            await self.runtime.next_turn()
        return answer

    def open_answer(self) -> Response:
        """The answer to the request that opens the session.

        In revision 3 it is the OPEN packet alone, which some clients take the whole answer for.
        """
        return self._response(self.outbox.take(1) if self.codec.revision == 3 else self._take())

    def answer(self) -> Response:
        """The packets that wait, as far as they fit, or one that says that there are none."""
        return self._response(self._take())

    def _response(self, packets: list[OutgoingPacket]) -> Response:
        body, binary = self.codec.encode_payload(packets, supports_binary=self._supports_binary)
        compressible = packets[0].compress or any(packet.compress for packet in packets)
        return Response(200, body, BINARY if binary else TEXT, compressible)

    def _take(self) -> list[OutgoingPacket]:
        self._reads = True
        if self._last is not None:
            return self._last
        outbox = self.outbox
        if outbox.rest:
            return outbox.take(self.codec.fitting(outbox, self._max_payload))
        if outbox.first is not None:  # nearly always, and one is sent even when it is too large
            return [outbox.take_first()]
        if self._closing:
            # In an answer of its own: clients handle a CLOSE before the messages beside it.
            self._fail(TRANSPORT_CLOSE)
            return [CLOSE]
        self._noop_due = False
        return [NOOP]

    async def _wait(self, body: RequestBody) -> None:
        """Wait until there is something to answer, or the client leaves."""
        scope = self.runtime.cancel_scope()
        soon = self.begin_wait(scope)
        answered = False
        try:
            async with scope:
                await body.disconnected()
            answered = self._woken
        finally:
            # Also when the ASGI server cancels the request, as some do when the client leaves.
            self.end_wait(soon, answered=answered)

    # -- requests that are served without a task -------------------------------------------------

    def take(self, payload: bytes, *, binary: bool) -> Response | None:
        """Take the packets of a request whose body is there; None when it is not that simple.

        Then nothing has happened, and the request is one for :meth:`serve`.
        """
        if self._posting or self.owner.paused or len(payload) > self._max_payload:
            return None
        if len(payload) < MEDIUM and not binary and self._take_event(payload):
            return _OK
        try:
            packets = self.codec.decode_payload(payload, binary=binary)
        except DecodeError:
            return None
        self.owner.receive_packets(packets)
        return _OK

    def _take_event(self, payload: bytes) -> bool:
        """Take a payload that is one short event; False when it is not, or has more to it."""
        on_event = self._on_event
        if on_event is None or not payload.startswith(EVENT):
            return False
        event = read_event(payload)
        return event is not None and on_event(*event)

    def answer_at_once(self) -> Response | None:
        """The answer to a poll; None when it has to wait."""
        return self.answer() if self._has_answer() else None

    def begin_wait(self, poll: WaitingPoll) -> Cancellable | None:
        """Let a poll wait; at the end, what is returned is to be given to :meth:`end_wait`."""
        self._waiting_poll = poll
        self._woken = False
        # A client that is about to move on is given no long time to wait here.
        return self.runtime.call_later(PROBE_POLL_SECONDS, self.flush) if self._released else None

    def end_wait(self, soon: Cancellable | None, *, answered: bool) -> None:
        """End the wait of a poll.

        Args:
            soon: What :meth:`begin_wait` has returned.
            answered: Whether it gets its answer; otherwise its client is gone.
        """
        self._waiting_poll = None
        if soon is not None:
            soon.cancel()
        if not answered:
            self._fail(TRANSPORT_ERROR, "poll connection closed prematurely")

    def _has_answer(self) -> bool:
        return (
            self.outbox.first is not None
            or self._closing
            or self._noop_due
            or self._last is not None
        )
