from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from socketio_asgi.protocol import DecodeError
from socketio_asgi.protocol.binary import reconstruct
from tests.protocol.tracing import count_calls


def place(number: Any) -> dict[str, Any]:
    return {"_placeholder": True, "num": number}


def test_attachments_go_to_their_places_at_any_depth() -> None:
    data = ["a", place(1), {"b": [place(0), {"c": place(2)}]}, [], {}]
    reconstruct(data, [b"0", b"1", b"2"])
    assert data == ["a", b"1", {"b": [b"0", {"c": b"2"}]}, [], {}]


def test_a_depth_beyond_any_recursion() -> None:
    data: list[Any] = [place(0)]
    for _ in range(100_000):
        data = [data]
    reconstruct(data, [b"deep"])
    for _ in range(100_000):
        data = data[0]
    assert data == [b"deep"]


@pytest.mark.parametrize("number", [-1, 2, True, False, 0.0, 1.5, "0", None, [], {}, 10**30])
def test_a_number_that_is_no_index_is_refused(number: Any) -> None:
    with pytest.raises(DecodeError, match="names no attachment"):
        reconstruct([place(0), place(number)], [b"0", b"1"])


def test_a_placeholder_without_number_is_refused() -> None:
    with pytest.raises(DecodeError, match="names no attachment"):
        reconstruct([{"_placeholder": True}], [b"0"])


def test_an_attachment_has_one_place() -> None:
    with pytest.raises(DecodeError, match="names no attachment"):
        reconstruct([place(0), place(0)], [b"0"])


@pytest.mark.parametrize("mark", [1, "true", False, None, [True]])
def test_only_true_marks_a_placeholder(mark: Any) -> None:
    data = [{"_placeholder": mark, "num": 0}]
    with pytest.raises(DecodeError, match="no placeholder"):
        reconstruct(data, [b"0"])


def test_a_placeholder_inside_a_placeholder_is_no_place() -> None:
    with pytest.raises(DecodeError, match="names no attachment"):
        reconstruct([place(place(0))], [b"0"])


@pytest.mark.parametrize("mark", ["it", "et"])
def test_a_placeholder_by_another_name_at_any_depth(mark: str) -> None:
    places = [{mark: True, "num": number} for number in range(3)]
    data = ["a", places[1], {"b": [places[0], {"c": places[2]}], "it": True}, {"num": 0}]
    reconstruct(data, [b"0", b"1", b"2"])
    assert data == ["a", b"1", {"b": [b"0", {"c": b"2"}], "it": True}, {"num": 0}]


@pytest.mark.parametrize(
    "beside",
    [place(0), {"_placeholder": False}, {"deep": [{"_placeholder": None, "x": 1}]}],
    ids=repr,
)
def test_another_name_means_nothing_beside_the_right_one(beside: Any) -> None:
    data = ["a", {"it": True, "num": 1}, beside]
    with pytest.raises(DecodeError):
        reconstruct(data, [b"0", b"1"])
    assert data[1] == {"it": True, "num": 1}


def test_another_name_means_nothing_when_the_attachments_have_their_places() -> None:
    data = ["a", place(0), {"it": True, "num": 0}]
    reconstruct(data, [b"0"])
    assert data == ["a", b"0", {"it": True, "num": 0}]


@pytest.mark.parametrize("mark", ["_placeholder", "it", "at"])
def test_work_is_linear(mark: str) -> None:
    def work(count: int) -> int:
        data: list[Any] = [
            [{mark: True, "num": number}, {"a": [1, 2, {}]}] for number in range(count)
        ]

        def attempt() -> None:
            with suppress(DecodeError):
                reconstruct(data, [b""] * count)

        return count_calls(attempt)

    assert work(2_000) <= 10 * work(200)
