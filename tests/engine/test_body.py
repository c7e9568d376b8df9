"""The bodies of requests, without a server."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from socketio_asgi.engine import EngineRequest
from socketio_asgi.engine.http.body import BodyTooLarge, ClientGone, RequestBody
from socketio_asgi.runtime import current_runtime

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

SECONDS = 30.0


class Pieces:
    """The receive channel of a request whose body comes in equal pieces.

    Args:
        piece: one of them.
        count: their number.
        end: whether the last one ends the body; otherwise the client leaves behind it.
    """

    def __init__(self, piece: bytes, count: int, *, end: bool = True) -> None:
        self._piece = piece
        self._left = count
        self._end = end

    async def __call__(self) -> Any:
        if not self._left:
            return {"type": "http.disconnect"}
        self._left -= 1
        more = not self._end or self._left > 0
        return {"type": "http.request", "body": self._piece, "more_body": more}


async def read(receive: Pieces, limit: int, *headers: tuple[bytes, bytes]) -> bytes:
    scope = {"type": "http", "query_string": b"", "headers": headers}
    body = RequestBody(EngineRequest(scope), receive)
    return await body.read(current_runtime(), limit, SECONDS)


@pytest.mark.parametrize(("size", "count"), [(100, 1), (50, 2), (1, 100), (0, 3)])
async def test_pieces(size: int, count: int) -> None:
    assert await read(Pieces(b"x" * size, count), 100) == b"x" * size * count


@pytest.mark.parametrize(("size", "count"), [(101, 1), (50, 3), (1, 101)])
async def test_too_large(size: int, count: int) -> None:
    with pytest.raises(BodyTooLarge):
        await read(Pieces(b"x" * size, count, end=False), 100)


async def test_too_large_by_its_length() -> None:
    with pytest.raises(BodyTooLarge):
        await read(Pieces(b"x", 1), 100, (b"content-length", b"101"))


async def test_the_client_leaves() -> None:
    with pytest.raises(ClientGone):
        await read(Pieces(b"x", 3, end=False), 100)


async def test_small_pieces_take_no_more_memory() -> None:
    """There is no limit for their number, because their bytes are all that is kept."""
    count = 50_000
    tracemalloc.start()
    try:
        assert await read(Pieces(b"ab", count), 1_000_000) == b"ab" * count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * 2 * count
