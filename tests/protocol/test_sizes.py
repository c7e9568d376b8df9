"""The estimate of what a message takes in memory: never too little, and not far too much."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import ormsgpack
import pytest

from socketio_asgi.protocol.sizes import MEASURED_ABOVE, estimated_size, measured_size

COUNT = 60_000
SHAPES: dict[str, Any] = {
    "lists": [[]] * COUNT,
    "dicts": [{}] * COUNT,
    "lists of one": [[0]] * COUNT,
    "dicts of one": [{"": 1}] * COUNT,
    "other keys": [{f"k{number}": 1} for number in range(COUNT)],
    "nested": [[[[[]]]]] * COUNT,
    "numbers": list(range(1000, 1000 + COUNT)),
    "fractions": [number + 0.5 for number in range(COUNT)],
    "short texts": ["abc"] * COUNT,
    "accents": ["\u00e9a"] * COUNT,
    "rows": [{"id": number, "name": "some name", "x": 1.25} for number in range(COUNT)],
    "one long text": "x" * COUNT * 20,
    "a long text with commas": "1,2," * COUNT * 5,
    "a wide character": "x" * COUNT * 20 + "\U0001f600",
}
CODECS: dict[str, tuple[Callable[[Any], str | bytes], Callable[[Any], Any]]] = {
    "json": (lambda value: json.dumps(value, ensure_ascii=False), orjson.loads),
    "messagepack": (ormsgpack.packb, ormsgpack.unpackb),
}


def decoded(loads: Callable[[Any], Any], message: str | bytes) -> tuple[Any, int]:
    """What is made of a message, and the bytes that it takes."""
    if isinstance(message, str):  # which would keep its UTF-8 form
        message = message.encode()
    tracemalloc.start()
    try:
        value = loads(message)
        return value, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("codec", CODECS)
def test_the_estimate_is_near(codec: str, shape: str) -> None:
    dumps, loads = CODECS[codec]
    message = dumps(SHAPES[shape])
    value, size = decoded(loads, message)
    estimate = estimated_size(message, value)
    assert 0.98 * size < estimate < 5 * size


def test_a_picture_is_measured() -> None:
    data = bytes(range(256)) * 8 * 1024
    value = ["picture", {"type": "png", "data": data}]
    estimate = estimated_size(ormsgpack.packb(value), value)
    assert len(data) < estimate < len(data) + 2000
    assert estimate > MEASURED_ABOVE


def test_many_values_are_not_measured() -> None:
    assert measured_size([[]] * 10_000) is None


@pytest.mark.parametrize("values", [9, 10, 11])
def test_a_message_of_few_values_is_as_large_as_they_are(values: int) -> None:
    value = ["x," * 100, *range(values - 1)]
    message = json.dumps(value)
    exact = sum(sys.getsizeof(item) for item in (value, *value))
    estimate = estimated_size(message, value)
    assert (estimate == exact) is (values < 10), "the list is a value as well"
