"""The lines of the log about functions that went wrong: their subject, and where they are."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi.events.failures import (
    InvalidVerdict,
    UnsendableAnswer,
    application_traceback,
    check_verdict,
    describe,
    log_failure,
)
from socketio_asgi.events.planning import plan_handler
from socketio_asgi.events.plans import HandlerKind, Registration
from socketio_asgi.protocol import DefaultParser, EncodeError, Packet, PacketType
from socketio_asgi.runtime.callables import locate


async def said(socket: object) -> None: ...


@functools.wraps(said)
async def wrapped(*args: Any) -> None: ...


class Callback:
    async def __call__(self, socket: object) -> None: ...

    async def method(self, socket: object) -> None: ...


def line_of(function: Any) -> int:
    line: int = function.__code__.co_firstlineno
    return line


SAID = f"said, {__file__}:{line_of(said)}"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (said, SAID),
        (wrapped, SAID),
        (functools.partial(functools.partial(said), 1), SAID),
        (Callback(), f"Callback.__call__, {__file__}:{line_of(Callback.__call__)}"),
        (Callback().method, f"Callback.method, {__file__}:{line_of(Callback.method)}"),
        (print, "print"),
        ([].append, "list.append"),
    ],
)
def test_where_a_function_is(function: Callable[..., Any], expected: str) -> None:
    assert locate(function) == expected


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (HandlerKind.EVENT, "the handler of 'a\\nb' in '/chat'"),
        (HandlerKind.LIFECYCLE, "the handler of 'a\\nb' in '/chat'"),
        (HandlerKind.SERVER_EVENT, "the handler of the server event 'a\\nb' in '/chat'"),
        (HandlerKind.LISTENER, "a listener to 'a\\nb' in '/chat'"),
        (HandlerKind.MIDDLEWARE, "a middleware of '/chat'"),
        (HandlerKind.EVENT_MIDDLEWARE, "a middleware of a socket in '/chat'"),
    ],
)
def test_in_words(kind: HandlerKind, words: str) -> None:
    handler = plan_handler(Registration(said, kind, "a\nb"))
    assert describe(handler, "/chat") == f"{words} ({SAID})"


def test_every_kind_has_words() -> None:
    for kind in HandlerKind:
        assert describe(plan_handler(Registration(said, kind, "name")), "/")


def names_of_frames(error: BaseException) -> list[str]:
    return [
        frame.name for frame in traceback.extract_tb(application_traceback(error.__traceback__))
    ]


def fails() -> None:
    raise LookupError("lost")


async def test_a_traceback_begins_with_the_application() -> None:
    """Frames of this package, anyio and the event loop lead there."""
    handler = plan_handler(Registration(lambda _: fails(), HandlerKind.EVENT, "event"))
    from socketio_asgi.events.plans import HandlerCall
    from socketio_asgi.events.workers import Workers

    surroundings: dict[str, Any] = {"ack": None, "wants_ack": False, "find_context": repr}
    call = HandlerCall(handler, "/", (), subject=1, workers=Workers(), **surroundings)
    with pytest.raises(LookupError) as caught:
        await call.run()
    error = caught.value.with_traceback(caught.value.__traceback__.tb_next)  # type: ignore[union-attr]
    assert names_of_frames(error) == ["<lambda>", "fails"]


def test_frames_below_the_application_stay() -> None:
    with pytest.raises(EncodeError) as caught:
        DefaultParser().encode(Packet(PacketType.EVENT, "/", ["event", object()], None))
    names = names_of_frames(caught.value)
    assert names[0] == "test_frames_below_the_application_stay"
    assert "encode" in names


def test_without_a_frame_of_the_application_all_stay() -> None:
    with pytest.raises(EncodeError) as caught:
        DefaultParser().encode(Packet(PacketType.EVENT, "/", ["event", object()], None))
    inner = caught.value.__traceback__
    assert inner is not None
    inner = inner.tb_next
    assert inner is not None
    assert application_traceback(inner) is inner
    assert application_traceback(None) is None


@pytest.mark.parametrize(("value", "passes"), [(None, True), (False, False)])
def test_verdicts(value: object, passes: bool) -> None:
    assert check_verdict(value) is passes


@pytest.mark.parametrize("value", [True, 0, 1, "", "no", (), {}, ValueError("no"), NotImplemented])
def test_what_is_no_verdict(value: object) -> None:
    with pytest.raises(InvalidVerdict, match="returns None to let through, and False to refuse"):
        check_verdict(value)


def test_a_long_value_is_cut() -> None:
    assert len(str(InvalidVerdict("x" * 1000))) < 300


@pytest.mark.parametrize(
    ("error", "expected", "frames"),
    [
        (LookupError("lost"), "the handler of 'e' in '/' (SAID) raised; so", True),
        (
            UnsendableAnswer(EncodeError("object")),
            "the return value of the handler of 'e' in '/' (SAID) cannot be sent; so",
            False,
        ),
        (
            UnsendableAnswer(OSError("the broker is away")),
            "the return value of the handler of 'e' in '/' (SAID) cannot be sent; so",
            True,
        ),
    ],
)
def test_lines(
    error: Exception, expected: str, frames: bool, caplog: pytest.LogCaptureFixture
) -> None:
    handler = plan_handler(Registration(said, HandlerKind.EVENT, "e"))
    reason = error.reason if isinstance(error, UnsendableAnswer) else error
    with pytest.raises(type(reason)):  # so that it has a traceback
        raise reason
    log_failure(handler, "/", error, "; so")
    (record,) = caplog.records
    assert record.name == "socketio_asgi.server"
    assert record.levelno == logging.ERROR
    assert record.getMessage() == expected.replace("SAID", SAID)
    assert record.exc_info is not None
    assert record.exc_info[1] is reason
    assert (record.exc_info[2] is not None) is frames


def test_a_line_about_a_verdict_has_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    handler = plan_handler(Registration(said, HandlerKind.MIDDLEWARE, "said"))
    log_failure(handler, "/", InvalidVerdict("no"))
    (record,) = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == (
        f"a middleware of '/' ({SAID}) returned 'no': a middleware returns None to let through,"
        " and False to refuse; or it raises"
    )
