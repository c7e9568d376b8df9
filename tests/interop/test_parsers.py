"""A parser of one's own, on both sides: https://socket.io/docs/v4/custom-parser/"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import StartServer

from .support import run_cases


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_parser_of_ones_own(
    start_server: StartServer, server_name: str, node_modules: Path, anyio_backend: str
) -> None:
    server = start_server(server_name, "tests.interop.parsers.app:io")
    await run_cases("parsers/client.mjs", server.url)
