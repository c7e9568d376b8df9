"""The short cut of decoding an event does what the general branch does."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from socketio_asgi.protocol import DecodeError
from socketio_asgi.protocol.parser import DefaultDecoder

_PIECES = st.sampled_from(
    [
        *("2", "3", "4", "0", "5", "1-", "/", "/a,", ",", "[", "]", '"a"', '"connect"', "12", "[]"),
        *("٣", " ", "{}", "null", "1e400", '"\\ud800"', "9" * 16, "9" * 17, '[{"b":[1]}]', "\x1e"),
    ]
)
texts = st.one_of(
    st.lists(_PIECES, max_size=8).map("".join),
    st.text(max_size=30),
    st.builds(
        "2{}{}".format,
        st.integers(0, 10**18),
        st.sampled_from(['["a"]', '["a",{"b":[1,null]}]', '["connect"]', "[1]", "{}", "[", ""]),
    ),
)


def outcome(function: Any, text: str) -> Any:
    try:
        return function(text)
    except DecodeError as error:
        return str(error)


@given(texts)
@example('2["a"]')
@example('212["a",1]')
@example('2٣["a"]')
@example('2-["a"]')
@example("2[")
def test_an_event_of_the_main_namespace(text: str) -> None:
    short, general = DefaultDecoder(), DefaultDecoder()
    assert outcome(short.add, text) == outcome(general._add_text, text)
