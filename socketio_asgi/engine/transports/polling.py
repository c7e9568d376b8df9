"""The HTTP long-polling transport: one GET waits for packets, POSTs bring some.

Source: https://socket.io/docs/v4/engine-io-protocol/#http-long-polling
"""

from __future__ import annotations

from ...protocol import DecodeError, EngineCodec, OutgoingPacket
from ...protocol.engine_packet import CLOSE, NOOP
from ...runtime import CancelScope, Runtime
from ..http.body import BodyTooLarge, ClientGone, RequestBody
from ..http.request import EngineRequest
from ..http.response import BINARY, HTML, TEXT, ErrorCode, Refusal, Response
from .base import Transport
from .outbox import Outbox

PROBE_POLL_SECONDS = 0.1
"""How long a poll may wait while the client tries to upgrade: the client cannot complete the
upgrade before its poll is answered."""

_OK = Response(200, b"ok", HTML)


class PollingTransport(Transport):
    """Packets in the bodies of HTTP requests and responses.

    Args:
        runtime: The event loop.
        codec: The revision of the protocol that the client speaks.
        outbox: The packets to send.
        max_payload: The largest body in both directions, in bytes.
        supports_binary: False when the client asked for base64 (revision 3).
    """

    __slots__ = (
        "_closing",
        "_last",
        "_max_payload",
        "_noop_due",
        "_poll",
        "_posting",
        "_probed",
        "_supports_binary",
        "_woken",
    )

    name = "polling"

    def __init__(
        self,
        runtime: Runtime,
        codec: EngineCodec,
        outbox: Outbox,
        *,
        max_payload: int,
        supports_binary: bool,
    ) -> None:
        super().__init__(runtime, codec, outbox)
        self._max_payload = max_payload
        self._supports_binary = supports_binary
        # Interrupts the poll that waits.
        self._poll: CancelScope | None = None
        self._woken = False
        self._posting = False
        self._probed = False
        self._noop_due = False
        self._closing = False
        # What answers polls once this transport has nothing to send any more.
        self._last: OutgoingPacket | None = None

    @property
    def connected(self) -> bool:
        """Whether a poll waits."""
        return self._poll is not None

    @property
    def writable(self) -> bool:
        """Whether a poll waits, and nothing has been sent to it yet."""
        return self._poll is not None and not self._woken

    def flush(self) -> None:
        """Answer the poll that waits, if there is one."""
        if self._poll is not None and not self._woken:
            self._woken = True
            self._poll.cancel()

    def close(self) -> None:
        """Answer polls with everything that waits, and the one after that with a CLOSE."""
        self._closing = True
        self.flush()

    def abort(self) -> None:
        """End the poll that waits with a CLOSE."""
        self._end(CLOSE)
        self.owner.transport_closed(self, "transport close")

    def end_quietly(self) -> None:
        """End the poll that waits with a NOOP: the client knows that this transport is done."""
        self._end(NOOP)

    def release_poll(self) -> None:
        """End this poll or the next one at once, and later ones soon: the client upgrades."""
        self._probed = self._noop_due = True
        self.flush()

    def hold_polls(self) -> None:
        """Let polls wait as usual again: the upgrade failed."""
        self._probed = self._noop_due = False

    async def poll(self, body: RequestBody) -> Response:
        """Serve a GET request: wait for packets and answer with them."""
        if self._poll is not None:
            self.owner.transport_closed(self, "transport error", "overlap from client")
            return Refusal(ErrorCode.BAD_REQUEST).response()
        if not self._has_answer():
            await self.runtime.cancellable(self._wait(body))
        return self.answer()

    async def post(self, request: EngineRequest, body: RequestBody) -> Response:
        """Serve a POST request: take its packets. The answer waits for no handler."""
        if self._posting:
            self.owner.transport_closed(self, "transport error", "data request overlap from client")
            return Refusal(ErrorCode.BAD_REQUEST).response()
        self._posting = True
        try:
            if self.owner.paused:
                await self.owner.readable()
            payload = await body.read(self.runtime, self._max_payload)
            binary = request.header(b"content-type") == "application/octet-stream"
            self.owner.receive_packets(self.codec.decode_payload(payload, binary=binary))
        except BodyTooLarge:
            return Refusal(ErrorCode.BAD_REQUEST, "Payload too large", status=413).response()
        except (ClientGone, TimeoutError):
            self.owner.transport_closed(
                self, "transport error", "data request connection closed prematurely"
            )
            return Refusal(ErrorCode.BAD_REQUEST).response()
        except DecodeError as error:
            self.owner.transport_closed(self, "parse error", str(error))
            return Refusal(ErrorCode.BAD_REQUEST).response()
        finally:
            self._posting = False
        return _OK

    def answer(self) -> Response:
        """What waits, as far as it fits, or what tells the client that there is nothing."""
        frames = self._take()
        body, binary = self.codec.encode_payload(frames, supports_binary=self._supports_binary)
        compressible = frames[0].compress or any(frame.compress for frame in frames)
        return Response(200, body, BINARY if binary else TEXT, compressible)

    def _take(self) -> list[OutgoingPacket]:
        if self._last is not None:
            return [self._last]
        waiting = len(self.outbox)
        if waiting == 1:  # nearly always, and one is sent even when it is too large
            return [self.outbox.take_first()]
        if waiting:
            return self.outbox.take(self.codec.fitting(self.outbox, self._max_payload))
        if self._closing:
            # In an answer of its own: clients handle a CLOSE before the messages beside it.
            self._end(CLOSE)
            self.owner.transport_closed(self, "transport close")
            return [CLOSE]
        self._noop_due = False
        return [NOOP]

    async def _wait(self, body: RequestBody) -> None:
        """Wait until there is something to answer, or the client leaves."""
        poll = self._poll = self.runtime.cancel_scope()
        self._woken = answered = False
        timer = self.runtime.call_later(PROBE_POLL_SECONDS, self.flush) if self._probed else None
        try:
            async with poll:
                await body.disconnected()
            answered = self._woken
        finally:
            # Also when the ASGI server cancels the request, as some do when the client leaves.
            self._poll = None
            if timer is not None:
                timer.cancel()
            if not answered:
                self.owner.transport_closed(
                    self, "transport error", "poll connection closed prematurely"
                )

    def _has_answer(self) -> bool:
        return bool(self.outbox) or self._closing or self._noop_due or self._last is not None

    def _end(self, last: OutgoingPacket) -> None:
        if self._last is None:
            self._last = last
        # The outbox may have gone over to the next transport.
        self.outbox: Outbox = Outbox()
        self.flush()
