"""Messages and fragments, and each way in which a client may break the rules for frames.

Source: RFC 6455, section 5
"""

from __future__ import annotations

import os

import pytest

from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close,
    close_payload,
    frame,
    header,
    text,
    xor,
)
from tests.support.waiting import until

from .conftest import ServeEcho
from .support import Setting, connect, our_settings

SIZES = (0, 1, 5, 6, 7, 124, 125, 126, 127, 131, 132, 65_535, 65_536, 70_001)

PROTOCOL_ERROR = 1002
INVALID_PAYLOAD = 1007


async def fails(echo: ServeEcho, code: int, *pieces: bytes, before: tuple[str, ...] = ()) -> None:
    """The connection is closed with ``code``, and the application gets only ``before``."""
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send_each(*pieces[:-1])
        for message in before:  # stock uvicorn drops what it reads together with the failure
            assert await peer.read_text() == message
        await peer.send(pieces[-1])
        closed, _ = await peer.read_end()
        assert closed == code
    assert app.messages == list(before)


# -- messages --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_texts_of_all_sizes(echo: ServeEcho, size: int) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("x" * size))
        assert await peer.read_text() == "x" * size


@pytest.mark.parametrize("size", SIZES)
async def test_binary_messages_of_all_sizes(echo: ServeEcho, size: int) -> None:
    app, served = await echo()
    data = os.urandom(size)
    async with connect(served) as peer:
        await peer.send(frame(BINARY, data))
        assert await peer.read() == (BINARY, data)
        assert app.messages == [data]
        assert type(app.messages[0]) is bytes


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0"])
async def test_masks(echo: ServeEcho, mask: bytes) -> None:
    _, served = await echo()
    values = ["", "a", "abc", "abcd", "abcde", "häß €𝄞", "x" * 1003]
    async with connect(served) as peer:
        for value in values:
            await peer.send(text(value, mask=mask))
            assert await peer.read_text() == value


async def test_a_length_may_be_given_in_a_longer_form(echo: ServeEcho) -> None:
    # Section 5.2 asks for the shortest form, but no class refuses the others.
    _, served = await echo()
    payload = b"\1\2\3\4" + xor(b"hello", b"\1\2\3\4")
    async with connect(served) as peer:
        await peer.send(b"\x81\xfe\0\5" + payload)
        assert await peer.read_text() == "hello"
        await peer.send(b"\x81\xff" + (5).to_bytes(8, "big") + payload)
        assert await peer.read_text() == "hello"


async def test_text_is_not_changed(echo: ServeEcho) -> None:
    value = "\r\n\r \n\0\x7f\ufeff\uffff 𝄞\N{MAN}\u200d"
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(text(value))
        assert await peer.read_text() == value
        raw = value.encode()
        await peer.send(
            *(
                frame(CONTINUATION if index else TEXT, raw[index : index + 1], final=False)
                for index in range(len(raw))
            ),
            frame(CONTINUATION),
        )
        assert await peer.read_text() == value


async def test_several_messages_in_one_segment(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        values = [f"message {number}" for number in range(100)]
        await peer.send(*(text(value) for value in values))
        for value in values:
            assert await peer.read_text() == value
        assert app.messages == values


async def test_a_frame_byte_by_byte(echo: ServeEcho) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        for size in (0, 1, 10, 126):
            data = text("€" * size)
            await peer.send_each(*(data[index : index + 1] for index in range(len(data))))
            assert await peer.read_text() == "€" * size


async def test_a_frame_and_the_beginning_of_the_next(echo: ServeEcho) -> None:
    _, served = await echo()
    data = text("first") + text("second")
    async with connect(served) as peer:
        for cut in range(1, len(data)):
            await peer.send_each(data[:cut], data[cut:])
            assert await peer.read_text() == "first"
            assert await peer.read_text() == "second"


# -- fragments -------------------------------------------------------------------------------


async def test_fragments_make_one_message(echo: ServeEcho) -> None:
    app, served = await echo()
    pieces = [
        frame(TEXT, b"one ", final=False),
        frame(CONTINUATION, b"two ", final=False, mask=b"abcd"),
        frame(CONTINUATION, b"", final=False),
        frame(CONTINUATION, b"three", mask=b"\0\0\0\1"),
    ]
    async with connect(served) as peer:
        await peer.send(*pieces)
        assert await peer.read_text() == "one two three"
        await peer.send_each(*pieces)
        assert await peer.read_text() == "one two three"
        await peer.send(frame(BINARY, b"\xff", final=False), frame(CONTINUATION, b"\xfe"))
        assert await peer.read() == (BINARY, b"\xff\xfe")
        assert app.messages == ["one two three", "one two three", b"\xff\xfe"]


async def test_empty_fragments(echo: ServeEcho) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        for opcode in (TEXT, BINARY):
            await peer.send(frame(opcode, final=False), frame(CONTINUATION))
            assert await peer.read() == (opcode, b"")


async def test_characters_split_over_fragments(echo: ServeEcho) -> None:
    _, served = await echo()
    raw = "ä€𝄞".encode()
    async with connect(served) as peer:
        for cut in range(len(raw) + 1):
            await peer.send(frame(TEXT, raw[:cut], final=False), frame(CONTINUATION, raw[cut:]))
            assert await peer.read_text() == "ä€𝄞"


async def test_control_frames_between_fragments(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send_each(
            frame(TEXT, b"one ", final=False),
            frame(PING, b"p"),
            frame(CONTINUATION, b"two ", final=False),
            frame(PONG, b"unasked"),
        )
        assert await peer.read() == (PONG, b"p")
        await peer.send(frame(CONTINUATION, b"three"))
        assert await peer.read_text() == "one two three"
    assert app.messages == ["one two three"]


@our_settings  # the other one calls it an error
async def test_a_close_between_fragments(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(frame(TEXT, b"lost", final=False), close(), frame(CONTINUATION))
        assert await peer.read_end() == (1000, "")
    assert app.messages == []


async def test_many_fragments(echo: ServeEcho) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(
            frame(BINARY, b"\1", final=False),
            *(frame(CONTINUATION, b"\1", final=False) for _ in range(5000)),
            frame(CONTINUATION, b"\1"),
        )
        assert await peer.read() == (BINARY, b"\1" * 5002)


async def test_a_continuation_of_nothing(echo: ServeEcho) -> None:
    await fails(echo, PROTOCOL_ERROR, frame(CONTINUATION, b"x"))


async def test_a_continuation_after_the_last_fragment(echo: ServeEcho) -> None:
    pieces = (frame(TEXT, b"a", final=False), frame(CONTINUATION, b"b"), frame(CONTINUATION))
    await fails(echo, PROTOCOL_ERROR, *pieces, before=("ab",))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_a_new_message_within_another(echo: ServeEcho, opcode: int) -> None:
    await fails(echo, PROTOCOL_ERROR, frame(TEXT, b"x", final=False), frame(opcode, b"y"))


# -- text that is not UTF-8 ------------------------------------------------------------------

NOT_UTF8 = {
    "a byte that is never used": b"\xff",
    "a continuation byte": b"a\x80b",
    "a character cut off": b"\xe2\x82",
    "an overlong form": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "amid a long text": b"x" * 500 + b"\xff" + b"x" * 500,
}


@pytest.mark.parametrize("payload", NOT_UTF8.values(), ids=NOT_UTF8)
async def test_text_that_is_not_utf8(echo: ServeEcho, payload: bytes) -> None:
    await fails(echo, INVALID_PAYLOAD, frame(TEXT, payload))


@pytest.mark.parametrize("payload", NOT_UTF8.values(), ids=NOT_UTF8)
async def test_text_that_is_not_utf8_in_fragments(echo: ServeEcho, payload: bytes) -> None:
    *first, last = (payload[index : index + 1] for index in range(len(payload)))
    pieces = [
        frame(CONTINUATION if index else TEXT, piece, final=False)
        for index, piece in enumerate(first)
    ]
    final = frame(CONTINUATION if first else TEXT, last)
    await fails(echo, INVALID_PAYLOAD, b"".join([*pieces, final]))


@our_settings  # the other one looks at a text when it is complete
async def test_text_that_is_not_utf8_fails_with_the_fragment(echo: ServeEcho) -> None:
    pieces = (frame(TEXT, b"good ", final=False), frame(CONTINUATION, b"\xff", final=False))
    await fails(echo, INVALID_PAYLOAD, *pieces)


@our_settings
async def test_text_that_is_not_utf8_fails_with_the_segment(echo: ServeEcho) -> None:
    data = header(TEXT, 1000, mask=b"\0\0\0\0")
    await fails(echo, INVALID_PAYLOAD, data + b"good ", b"more \xf4", b"\x90")


@our_settings
async def test_a_character_split_over_segments(echo: ServeEcho) -> None:
    _, served = await echo()
    data = text("x" * 200 + "€")
    async with connect(served) as peer:
        await peer.send_each(data[:-2], data[-2:-1], data[-1:])
        assert await peer.read_text() == "x" * 200 + "€"


async def test_what_came_before_the_failure_is_delivered(echo: ServeEcho) -> None:
    await fails(echo, INVALID_PAYLOAD, text("first"), frame(TEXT, b"\xff"), before=("first",))


@our_settings
@pytest.mark.parametrize("failure", [frame(TEXT, b"\xff"), frame(CONTINUATION), frame(5)])
async def test_what_came_in_the_segment_of_the_failure_is_delivered(
    echo: ServeEcho, failure: bytes
) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("first"), failure)
        await until(lambda: app.closed is not None)
    assert app.messages == ["first"]


# -- frames that are none --------------------------------------------------------------------


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
async def test_reserved_bits(echo: ServeEcho, opcode: int, reserved: int) -> None:
    await fails(echo, PROTOCOL_ERROR, frame(opcode, reserved=reserved))


async def test_reserved_bits_of_a_continuation(echo: ServeEcho) -> None:
    pieces = (frame(TEXT, final=False), frame(CONTINUATION, reserved=4))
    await fails(echo, PROTOCOL_ERROR, *pieces)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
@pytest.mark.parametrize("payload", [b"", b"x"])
async def test_unknown_opcodes(echo: ServeEcho, opcode: int, payload: bytes) -> None:
    await fails(echo, PROTOCOL_ERROR, frame(opcode, payload))


@pytest.mark.parametrize("payload", [b"", b"hello", b"x" * 200])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
async def test_frames_without_a_mask(echo: ServeEcho, opcode: int, payload: bytes) -> None:
    payload = b"\x03\xe8" if opcode == CLOSE else payload[:125] if opcode == PING else payload
    await fails(echo, PROTOCOL_ERROR, frame(opcode, payload, mask=None))


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
async def test_control_frames_in_fragments(echo: ServeEcho, opcode: int) -> None:
    await fails(echo, PROTOCOL_ERROR, frame(opcode, final=False))


@pytest.mark.parametrize("length", [126, 65_536])
@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
async def test_control_frames_that_are_too_long(echo: ServeEcho, opcode: int, length: int) -> None:
    await fails(echo, PROTOCOL_ERROR, frame(opcode, b"x" * length))


@our_settings  # the other one waits for the payload
@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
async def test_the_header_of_a_long_control_frame_is_enough(echo: ServeEcho, opcode: int) -> None:
    await fails(echo, PROTOCOL_ERROR, header(opcode, 126)[:2])


@our_settings  # to the other one it is just too large
async def test_the_highest_bit_of_a_length(echo: ServeEcho) -> None:
    await fails(echo, PROTOCOL_ERROR, header(BINARY, 1 << 63))


async def test_a_good_message_before_a_bad_frame(echo: ServeEcho) -> None:
    await fails(echo, PROTOCOL_ERROR, text("first"), frame(5), before=("first",))


@our_settings
async def test_a_good_message_before_a_bad_frame_in_one_segment(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("first"), frame(5), text("second"))
        opcode, payload = await peer.read()
        if opcode == TEXT:  # the echo of the first, for which there may be no time
            opcode, payload = await peer.read()
        assert (opcode, close_payload(payload)[0]) == (CLOSE, PROTOCOL_ERROR)
        assert await peer.read_rest() == b""
    assert app.messages == ["first"]


async def test_nothing_is_read_after_a_failure(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(frame(5), text("late"), frame(PING, b"late"))
        assert (await peer.read_end())[0] == PROTOCOL_ERROR
    assert app.messages == []


# -- pings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 124, 125])
async def test_pings_are_answered(echo: ServeEcho, size: int) -> None:
    _, served = await echo()
    payload = os.urandom(size)
    async with connect(served) as peer:
        await peer.send(frame(PING, payload))
        assert await peer.read() == (PONG, payload)


async def test_pings_in_one_segment(echo: ServeEcho) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(*(frame(PING, bytes([number])) for number in range(10)))
        for number in range(10):
            assert await peer.read() == (PONG, bytes([number]))


async def test_a_ping_byte_by_byte(echo: ServeEcho) -> None:
    _, served = await echo()
    data = frame(PING, b"x" * 125)
    async with connect(served) as peer:
        await peer.send_each(*(data[index : index + 1] for index in range(len(data))))
        assert await peer.read() == (PONG, b"x" * 125)


async def test_pongs_that_nobody_asked_for(echo: ServeEcho) -> None:
    app, served = await echo()
    async with connect(served) as peer:
        await peer.send(frame(PONG), frame(PONG, b"x" * 125), text("next"))
        assert await peer.read_text() == "next"
    assert app.messages == ["next"]


async def test_messages_and_pings_keep_their_order_with_a_close(
    echo: ServeEcho, setting: Setting
) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(frame(PING, b"1"), close(1000))
        assert await peer.read() == (PONG, b"1")
        assert await peer.read_end() == (1000, "")
