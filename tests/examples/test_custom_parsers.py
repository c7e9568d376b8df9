"""The sizes of packets by three parsers, in Chromium; and the parser of the schema by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import DecodeError, EncodeError, Packet, PacketType
from tests.support.requirements import require_module

from .support import EXAMPLES, ExampleProcess, run_pages

FOLDER = EXAMPLES / "custom_parsers"
SCHEMA = json.loads((FOLDER / "schema.json").read_text("utf-8"))
PACKETS = [
    Packet(PacketType.CONNECT, "/", {"sid": "abc"}),
    Packet(PacketType.EVENT, "/", ["string", ["", "é", "x" * 300]]),
    Packet(PacketType.EVENT, "/chat", ["numeric", [0, 258, 65_535] * 1000], 0),
    Packet(PacketType.EVENT, "/", ["binary", b"\x00\xff"], 4_000_000_000),
    Packet(PacketType.EVENT, "/", ["another", 5]),
    Packet(PacketType.ACK, "/", [True], 7),
]


@pytest.fixture(scope="module")
def parsers() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        yield __import__("schema_parser")
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("schema_parser", None)


@pytest.fixture
def parser(parsers: ModuleType) -> Any:
    return parsers.SchemaParser(SCHEMA)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_sizes(
    parser: Any, node_modules: Path, chromium: str, anyio_backend: str
) -> None:
    require_module("ormsgpack")
    options = {
        "parser": str(FOLDER / "static" / "schema_parser.js"),
        "schema": SCHEMA,
        "packets": [
            {"packet": in_javascript(packet), "message": parser.encode(packet)[0]}
            for packet in PACKETS
        ],
    }
    async with ExampleProcess("custom_parsers") as server:
        result = await run_pages("custom_parsers", server.url, chromium, options)
    rows = [line for line in readme_rows() if line[0] in ("default", "msgpack", "schema")]
    assert result["rows"] == [row[:5] for row in rows]
    assert result["width"] == 360
    for packet, translated in zip(PACKETS, result["translated"], strict=True):
        assert translated["encoded"] == parser.encode(packet)[0]
        assert translated["decoded"] == in_javascript(packet)
    assert result["ends"] == ["transport close"] * 3


def in_javascript(packet: Packet) -> dict[str, Any]:
    """A packet as the client has it."""
    fields = {"type": packet.type, "nsp": packet.namespace, "data": packet.data, "id": packet.id}
    return {name: value for name, value in fields.items() if value is not None}


def readme_rows() -> list[list[str]]:
    lines = (FOLDER / "README.md").read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]


VALUES = st.one_of(
    st.tuples(st.just("string"), st.lists(st.text())),
    st.tuples(st.just("numeric"), st.lists(st.integers(0, 0xFFFF))),
    st.tuples(st.just("binary"), st.binary()),
)


@given(VALUES, st.none() | st.integers(0, 1000), st.sampled_from(["/", "/chat"]))
def test_what_is_encoded_is_decoded(
    parsers: ModuleType, event: tuple[str, Any], number: int | None, namespace: str
) -> None:
    parser = parsers.SchemaParser(SCHEMA)
    packet = Packet(PacketType.EVENT, namespace, list(event), number)
    try:
        (message,) = parser.encode(packet)
    except EncodeError:
        assert event[0] == "string"  # half of a surrogate pair
        return
    assert parser.decoder().add(message) == packet


@given(st.binary() | st.text())
def test_any_message_of_a_client(parsers: ModuleType, message: str | bytes) -> None:
    with suppress(DecodeError):
        parsers.SchemaParser(SCHEMA).decoder().add(message)


@pytest.mark.parametrize(
    "data", [["numeric", [70_000]], ["numeric", 5], ["numeric"], ["binary", 5.0], ["string", [5]]]
)
def test_values_that_do_not_fit(parser: Any, data: list[Any]) -> None:
    with pytest.raises(EncodeError):
        parser.encode(Packet(PacketType.EVENT, "/", data))
