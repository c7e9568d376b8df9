"""Compressed responses: https://socket.io/docs/v4/server-options/#httpcompression"""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from tests.support.clients import PollingClient, connect_raw

from .support import StartEngine

TEXT = "x" * 2000
PACKET = ("4" + TEXT).encode()


async def poll(
    start_engine: StartEngine, accept: str | None, *messages: str, **options: Any
) -> Any:
    """One poll, as bytes on the wire."""
    compress = options.pop("compress", True)
    app = await start_engine(**options)
    async with PollingClient(app.url) as client, connect_raw(app.url) as raw:
        await client.open()
        app.client.send(*messages, compress=compress)
        headers = {} if accept is None else {"Accept-Encoding": accept}
        target = client.target()
        await raw.send_request("GET", target, headers=headers)
        return await raw.read_response()


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate, gzip;q=0.5", "deflate"),
        ("*", "gzip"),
        ("*;q=0.5, gzip;q=0", "deflate"),
        ("GZIP", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0, deflate", "deflate"),
        ("gzip; q=0.000 , deflate;q=1", "deflate"),
    ],
)
async def test_accepted(start_engine: StartEngine, accept: str, encoding: str) -> None:
    response = await poll(start_engine, accept, TEXT)
    assert response.header("content-encoding") == encoding
    assert response.header("vary") == "Accept-Encoding"
    assert response.header("cache-control") == "no-store"
    assert len(response.body) < 100
    decompress = gzip.decompress if encoding == "gzip" else zlib.decompress
    assert decompress(response.body) == PACKET


@pytest.mark.parametrize(
    "accept",
    [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.0, deflate; q=0", "*;q=0", "xgzip", ";,;"],
)
async def test_not_accepted(start_engine: StartEngine, accept: str | None) -> None:
    response = await poll(start_engine, accept, TEXT)
    assert response.header("content-encoding") is None
    assert response.body == PACKET


async def test_threshold(start_engine: StartEngine) -> None:
    below = await poll(start_engine, "gzip", "x" * 1022)
    assert below.header("content-encoding") is None
    reached = await poll(start_engine, "gzip", "x" * 1023)
    assert reached.header("content-encoding") == "gzip"
    small = await poll(start_engine, "gzip", "x", compression_threshold=1)
    assert small.header("content-encoding") == "gzip"


async def test_off(start_engine: StartEngine) -> None:
    response = await poll(start_engine, "gzip", TEXT, compression_threshold=None)
    assert response.body == PACKET


async def test_messages_may_ask_for_none(start_engine: StartEngine) -> None:
    response = await poll(start_engine, "gzip", TEXT, compress=False)
    assert response.body == PACKET


async def test_one_message_that_may_be_compressed_is_enough(start_engine: StartEngine) -> None:
    app = await start_engine()
    async with PollingClient(app.url) as client:
        await client.open()
        app.client.send(TEXT, compress=False)
        app.client.send("short")
        response = await client.request("GET")
    assert response.headers["content-encoding"] == "gzip"
    assert response.content == PACKET + b"\x1e4short"
