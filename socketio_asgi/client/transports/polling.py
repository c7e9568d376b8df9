"""The transport over HTTP requests, with one that waits for what the server has to say.

One task asks again and again; another one runs while there is something to send.

Source: https://socket.io/docs/v4/engine-io-protocol/#http-long-polling
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Sequence
from itertools import islice
from typing import Any, ClassVar

from ...exceptions import TransportError
from ...protocol.engine_packet import CLOSE, EnginePacket, EnginePacketType, OutgoingPacket
from ...protocol.engine_v4 import EngineCodecV4
from ...runtime import Cancellable, Event
from ..network.base import HTTPResponse
from .base import Endpoint, Transport, TransportOwner

SHOWN_BODY = 1000
"""Characters of the body of an unexpected answer that an error keeps."""

MAX_PACKETS = 16
"""Packets in the body of one request, until the server has answered one as the official server
does. The protocol knows no such limit, but servers on python-engineio end a session for more."""

_OFFICIAL_ANSWER = b"ok"
"""The answer to a POST by the official server and by ours; that of python-engineio is ``OK``."""

_CODEC = EngineCodecV4()
_MESSAGE = EnginePacketType.MESSAGE
_HEADERS = {"content-type": "text/plain;charset=UTF-8"}


class PollingTransport(Transport):
    """Packets in the bodies of HTTP requests and responses."""

    name: ClassVar[str] = "polling"

    __slots__ = (
        "_closed",
        "_idle",
        "_leaving",
        "_max_packets",
        "_paused",
        "_poll_task",
        "_polling",
        "_post_task",
        "_posted",
        "_posting",
        "_reading",
        "_waiting",
        "_waiting_bytes",
    )

    def __init__(self, endpoint: Endpoint, owner: TransportOwner, sid: str | None = None) -> None:
        super().__init__(endpoint, owner, sid)
        self._waiting: deque[OutgoingPacket] = deque()
        self._waiting_bytes = 0
        self._max_packets: int | None = MAX_PACKETS
        self._polling = False
        self._posting = False
        self._poll_task: Cancellable | None = None
        self._post_task: Cancellable | None = None
        # Set when neither a GET nor a POST is under way; made when somebody waits for that.
        self._idle: Event | None = None
        # Set when a POST has ended; made by close().
        self._posted: Event | None = None
        self._leaving = False
        # Set when reading may go on; None while it does.
        self._reading: Event | None = None
        self._paused = False
        self._closed = False

    async def open(self) -> None:
        """Begin to ask."""
        self._polling = True
        self._poll_task = self._start(self._poll())

    def _start(self, work: Coroutine[Any, Any, None]) -> Cancellable:
        return self._endpoint.runtime.start_background(work)

    # -- what comes --------------------------------------------------------------------------

    async def _poll(self) -> None:
        try:
            while not (self._closed or self._paused):
                if self._reading is not None:
                    await self._reading.wait()
                response = await self._request("GET")
                self._deliver(_CODEC.decode_payload(response.body, binary=False))
        except Exception as error:  # noqa: BLE001  # the owner knows what to do
            if not self._leaving:  # else the server has ended the session before it
                self._lose(error)
        finally:
            self._polling = False
            self._look_idle()

    def _deliver(self, packets: Sequence[EnginePacket]) -> None:
        owner = self._owner
        for packet in packets:
            if self._closed:
                break
            if packet.type is _MESSAGE:
                owner.on_message(packet.data)
            else:
                owner.on_packet(self, packet)

    async def _request(self, method: str, body: bytes | None = None) -> HTTPResponse:
        endpoint = self._endpoint
        url = endpoint.address(self.name, self.sid)
        headers = endpoint.headers if body is None else {**endpoint.headers, **_HEADERS}
        response = await endpoint.network.request(method, url, headers, body)
        if response.status == 200:
            return response
        text = response.body[:SHOWN_BODY].decode("utf-8", "replace")
        raise TransportError(
            f"the server answered a {method} request with status {response.status}: {text[:100]}",
            response.status,
            text,
        )

    # -- what goes ---------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """The bytes that wait for the end of the request that is under way, and its own."""
        return self._waiting_bytes

    @property
    def writable(self) -> bool:
        """True when no POST is under way."""
        return not (self._posting or self._paused or self._closed)

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets, with those that come until the request begins."""
        if self._closed:
            return
        self._waiting.extend(packets)
        self._waiting_bytes += sum(packet.size for packet in packets)
        if not self._posting:
            self._posting = True
            self._post_task = self._start(self._post())

    async def _post(self) -> None:
        try:
            while self._waiting and not self._closed:
                await self._post_once()
        except Exception as error:  # noqa: BLE001  # the owner knows what to do
            self._lose(error)
        finally:
            self._posting = False
            if self._posted is not None:
                self._posted.set()
            self._look_idle()
        if not self._closed:
            self._owner.on_drain()

    async def _post_once(self) -> None:
        first = list(islice(self._waiting, self._max_packets))
        count = len(first)
        if self.max_payload:
            count = _CODEC.fitting(first, self.max_payload)
        packets = [self._waiting.popleft() for _ in range(count)]
        size = sum(packet.size for packet in packets)
        payload = _CODEC.encode_payload(packets, supports_binary=True)
        try:
            response = await self._request("POST", payload.body)
        finally:
            self._waiting_bytes -= size
        if response.body == _OFFICIAL_ANSWER:
            self._max_packets = None

    # -- the end -----------------------------------------------------------------------------

    async def pause(self) -> None:
        """Let the requests that are under way end, and begin no more."""
        self._paused = True
        self.resume_reading()
        await self._wait_until_idle()

    async def _wait_until_idle(self) -> None:
        if self._polling or self._posting:
            self._idle = self._endpoint.runtime.event()
            await self._idle.wait()

    def _look_idle(self) -> None:
        if self._idle is not None and not (self._polling or self._posting):
            self._idle.set()

    def pause_reading(self) -> None:
        """Ask no more for now."""
        if self._reading is None:
            self._reading = self._endpoint.runtime.event()

    def resume_reading(self) -> None:
        """Go on asking."""
        if self._reading is not None:
            self._reading.set()
            self._reading = None

    async def close(self) -> None:
        """Send what waits, then that this is the end in a request of its own; then stop asking.

        Of its own because the official server handles the end of a session before messages that
        came in the same body, and drops those. The poll that is under way goes on until then: a
        server that sees it end would take the client for lost, and drop what is on its way.
        """
        if not self._closed:
            self._paused = self._leaving = True
            await self._wait_until_posted()
            self.send((CLOSE,))
            await self._wait_until_posted()
        self.abort()

    async def _wait_until_posted(self) -> None:
        while self._posting:
            self._posted = self._endpoint.runtime.event()
            await self._posted.wait()

    def _stop_polling(self) -> None:
        if self._poll_task is not None:
            self._poll_task.cancel()
            self._poll_task = None

    def abort(self) -> None:
        """End at once."""
        self._closed = True
        self._stop_polling()
        if self._post_task is not None:
            self._post_task.cancel()
            self._post_task = None
        self._waiting.clear()
        self._waiting_bytes = 0

    def _lose(self, error: Exception) -> None:
        if not self._closed:
            self._closed = True
            self._owner.on_lost(self, error)
            self.abort()
