"""The end of a connection, from either side.

Source: RFC 6455, sections 5.5.1 and 7
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from tests.support.echo import Message, Receive, Scope, Send
from tests.support.frames import CLOSE, PING, TEXT, close, close_payload, frame, text
from tests.support.rawwebsocket import ABNORMAL
from tests.support.waiting import until

from .conftest import ServeEcho, Serving
from .support import OURS, Setting, connect, our_settings, ours_only, websocket_only

VALID_CODES = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)

LONGEST_REASON = "r" * 123


# -- the client closes -----------------------------------------------------------------------


@pytest.mark.parametrize("code", VALID_CODES)
async def test_codes_of_the_client(echo: ServeEcho, code: int) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(close(code))
        assert (await peer.read_end())[0] == code
        await until(lambda: app.closed is not None)
        assert app.closed == (code, "")


async def test_a_close_without_a_code(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(close(None))
        assert (await peer.read_end())[0] in {1000, 1005}
        await until(lambda: app.closed is not None)
        assert app.closed == (1005, "")


@pytest.mark.parametrize("reason", ["bye", "bÿe €", LONGEST_REASON])
async def test_reasons_of_the_client(echo: ServeEcho, reason: str) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(close(4001, reason.encode()))
        assert (await peer.read_end())[0] == 4001
        await until(lambda: app.closed is not None)
        assert app.closed == (4001, reason)


@pytest.mark.parametrize("code", INVALID_CODES)
async def test_codes_that_must_not_be_sent(echo: ServeEcho, setting: Setting, code: int) -> None:
    if not setting.ours and 1000 <= code < 3000:
        pytest.skip("websockets has a list of its own")
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(close(code))
        assert (await peer.read_end())[0] == 1002
        await until(lambda: app.closed is not None)
        assert app.closed is not None
        assert app.closed[0] == 1002


async def test_half_a_code(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(frame(CLOSE, b"\x03"))
        assert (await peer.read_end())[0] == 1002
        await until(lambda: app.closed is not None)


@pytest.mark.parametrize("reason", [b"\xff", b"bye \xe2\x82", b"\xed\xa0\x80"])
async def test_a_reason_that_is_not_utf8(echo: ServeEcho, setting: Setting, reason: bytes) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(close(1000, reason))
        assert (await peer.read_end())[0] in ({1007} if setting.ours else {1002, 1007})


async def test_a_close_byte_by_byte(echo: ServeEcho) -> None:
    app, served = await echo()
    data = close(4002, b"slow")
    async with connect(served) as peer:
        await peer.send_each(*(data[index : index + 1] for index in range(len(data))))
        assert (await peer.read_end())[0] == 4002
        await until(lambda: app.closed is not None)
        assert app.closed == (4002, "slow")


async def test_what_follows_a_close_is_ignored(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(close(4000), text("late"), frame(PING), close(4001), frame(5))
        assert (await peer.read_end())[0] == 4000
        await until(lambda: app.closed is not None)
        assert app.closed == (4000, "")
        assert app.messages == []


async def test_messages_before_the_close_are_delivered(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("one"), text("two"), close(4000))
        await until(lambda: app.closed is not None)
        assert app.messages == ["one", "two"]
        assert app.closed == (4000, "")


async def test_the_end_of_the_stream_without_a_close(echo: ServeEcho, setting: Setting) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
    await until(lambda: app.closed is not None)
    assert app.closed == ABNORMAL or (not setting.ours and app.closed == (1005, ""))


async def test_a_half_close(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
        await peer.stream.send_eof()
        assert await peer.read_end() == ABNORMAL
        await until(lambda: app.closed is not None)


async def test_a_reset(echo: ServeEcho, setting: Setting) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
        await peer.abort()
    await until(lambda: app.closed is not None)
    assert app.closed == ABNORMAL or (not setting.ours and app.closed == (1005, ""))


async def test_the_end_of_the_stream_within_a_frame(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
        await peer.send(text("cut off")[:-1])
        await peer.stream.send_eof()
        assert await peer.read_end() == ABNORMAL
        await until(lambda: app.closed is not None)
        assert app.messages == ["hello"]


# -- the application closes ------------------------------------------------------------------


class Closing:
    """Closes as it is told by a message, and notes the event that follows."""

    def __init__(self, **close_event: object) -> None:
        self.event: Message = {"type": "websocket.close", **close_event}
        self.after: Message | None = None
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        try:
            await send(self.event)
        except Exception as error:
            self.error = error
            raise
        self.after = await receive()


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
@pytest.mark.parametrize("reason", ["", "bye €"])
async def test_the_application_closes(
    serving: Serving, ws: str, http: str, code: int, reason: str
) -> None:
    app = Closing(code=code, reason=reason)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        opcode, payload = await peer.read()
        assert opcode == CLOSE
        assert close_payload(payload) == (code, reason)
        await peer.send(close(code))
        assert await peer.read_rest() == b""
        await until(lambda: app.after is not None)
        assert app.after == {"type": "websocket.disconnect", "code": code, "reason": reason}


async def test_the_defaults_of_close(serving: Serving, ws: str, http: str) -> None:
    served = await serving(Closing(), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert close_payload((await peer.read()).payload) == (1000, "")


async def test_a_reason_of_none(serving: Serving, ws: str, http: str) -> None:
    served = await serving(Closing(code=4000, reason=None), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert close_payload((await peer.read()).payload) == (4000, "")


@ours_only
async def test_a_reason_is_cut_to_what_fits(serving: Serving, ws: str, http: str) -> None:
    served = await serving(Closing(code=4000, reason="€" * 50), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert close_payload((await peer.read()).payload) == (4000, "€" * 41)


@ours_only
@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 2999, 5000, 70_000])
async def test_the_application_gives_a_code_that_must_not_be_sent(
    serving: Serving, ws: str, http: str, code: int
) -> None:
    app = Closing(code=code)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert (await peer.read_end(answer=True))[0] == 1011
    assert app.error is not None


async def test_what_comes_after_the_close_is_dropped(serving: Serving, ws: str, http: str) -> None:
    app = Closing(code=4000)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert (await peer.read()).opcode == CLOSE
        await peer.send(text("late"), frame(TEXT, b"late"), close(4000))
        assert await peer.read_rest() == b""
        await until(lambda: app.after is not None)
        assert app.after is not None
        assert app.after["type"] == "websocket.disconnect"


async def test_both_close_at_once(serving: Serving, ws: str, http: str) -> None:
    app = Closing(code=4000)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"), close(4001))
        code, _ = await peer.read_end(answer=True)
        assert code in {4000, 4001}
        await until(lambda: app.after is not None or app.error is not None)


@ours_only
async def test_a_client_that_does_not_answer_the_close_is_cut(
    serving: Serving, ws: str, http: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketio_asgi.uvicorn_protocols.server_context.CLOSE_SECONDS", 0.05)
    served = await serving(Closing(code=4000), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert await peer.read_end() == (4000, "")


async def test_a_client_that_answers_the_close_with_the_end_of_the_stream(
    serving: Serving, ws: str, http: str
) -> None:
    app = Closing(code=4000)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("close"))
        assert (await peer.read()).opcode == CLOSE
        await peer.stream.send_eof()
        assert await peer.read_rest() == b""


async def test_messages_before_the_close_arrive(serving: Serving, ws: str, http: str) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(100):
            await send({"type": "websocket.send", "text": str(number)})
        await send({"type": "websocket.close", "code": 4000})

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        for number in range(100):
            assert await peer.read_text() == str(number)
        assert (await peer.read()) == (CLOSE, (4000).to_bytes(2, "big"))


# -- after the end ---------------------------------------------------------------------------


Step = Callable[[Receive, Send], Awaitable[None]]


class AfterTheEnd:
    """Runs a step when the connection has ended, and notes what it raises."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.error: Exception | None = None
        self.done = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/close":
            await send({"type": "websocket.close"})
        else:
            assert (await receive())["type"] == "websocket.disconnect"
        try:
            await self.step(receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.error = error
        finally:
            self.done = True


async def send_text(receive: Receive, send: Send) -> None:
    await send({"type": "websocket.send", "text": "late"})


async def send_close(receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 4000})


async def receive_twice(receive: Receive, send: Send) -> None:
    with anyio.move_on_after(0.2):
        assert (await receive())["type"] == "websocket.disconnect"
        assert (await receive())["type"] == "websocket.disconnect"


async def test_sends_after_a_disconnect_raise(serving: Serving, ws: str, http: str) -> None:
    # "If send is called on a closed connection, the server should raise OSError": ASGI 2.4
    app = AfterTheEnd(send_text)
    served = await serving(app, ws=ws, http=http)
    async with connect(served) as peer:
        await peer.abort()
    await until(lambda: app.done)
    assert isinstance(app.error, OSError)


@pytest.mark.parametrize("step", [send_text, send_close])
async def test_sends_after_a_close_of_its_own_raise(
    serving: Serving, ws: str, http: str, step: Step
) -> None:
    app = AfterTheEnd(step)
    served = await serving(app, ws=ws, http=http)
    async with connect(served, "/close") as peer:
        await peer.send(close())
        assert await peer.read_end() == (1000, "")
    await until(lambda: app.done)
    assert isinstance(app.error, (RuntimeError, OSError))


@pytest.mark.parametrize("path", ["/", "/close"])
async def test_receive_after_the_end(serving: Serving, ws: str, http: str, path: str) -> None:
    app = AfterTheEnd(receive_twice)
    served = await serving(app, ws=ws, http=http)
    async with connect(served, path) as peer:
        if path == "/":
            await peer.send(close())
        assert await peer.read_end(answer=True) == (1000, "")
    await until(lambda: app.done)
    assert app.error is None


async def test_an_application_that_does_not_catch_the_error_of_send(
    serving: Serving, ws: str, http: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An application that does not catch it ends without a line in the log."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": "x" * 10_000})
                await anyio.lowlevel.checkpoint()
        finally:
            done.set()

    done = anyio.Event()
    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.read_text()
        await peer.abort()
    with anyio.fail_after(5):
        await done.wait()
    await anyio.lowlevel.checkpoint()
    assert "Exception in ASGI application" not in caplog.text


# -- the application ends --------------------------------------------------------------------


@ours_only  # the other one just drops the connection
async def test_the_application_returns(serving: Serving, ws: str, http: str) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "last"})

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        assert await peer.read_text() == "last"
        opcode, payload = await peer.read()
        assert (opcode, close_payload(payload)) == (CLOSE, (1000, ""))
        await peer.send(close())
        assert await peer.read_rest() == b""


async def test_the_application_raises(
    serving: Serving, ws: str, http: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "last"})
        raise ValueError("on purpose")

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        assert await peer.read_text() == "last"
        code, reason = await peer.read_close()
        assert code == (1011 if ws == OURS else 1006)
        assert "purpose" not in reason
    assert "on purpose" in caplog.text


@our_settings
async def test_another_connection_is_not_disturbed(echo: ServeEcho) -> None:
    _, served = await echo()
    async with connect(served) as good, connect(served) as bad, connect(served) as gone:
        await bad.send(frame(5))
        assert (await bad.read_end())[0] == 1002
        await gone.abort()
        await good.send(text("still here"))
        assert await good.read_text() == "still here"
