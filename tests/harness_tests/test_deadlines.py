"""Async tests that hang."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.deadlines import EARLIER

from .support import run_pytest, takes_time

pytestmark = takes_time

WAITS = """
    import anyio
    import pytest

    {mark}
    async def test_one_that_waits_for_ever():
        await anyio.sleep_forever()
"""

WAITS_FOR_A_SERVER = """
    import pytest
    from tests.support.clients import connect_websocket
    from tests.support.echo import EchoApp

    {mark}
    async def test_it(serving):
        served = await serving(EchoApp())
        async with connect_websocket(served.ws_url + "/ws") as ws:
            await ws.receive()
"""


@pytest.mark.parametrize(("source", "seconds"), [(WAITS, 0.1), (WAITS_FOR_A_SERVER, 0.5)])
def test_they_fail_where_they_wait_and_their_fixtures_end(
    tmp_path: Path, source: str, seconds: float
) -> None:
    mark = f"@pytest.mark.timeout({EARLIER + seconds})"
    run = run_pytest(tmp_path, source.format(mark=mark), "--all-backends", "--tb=line")
    backends = 3 if "serving" in source else 2
    assert f"{backends} failed in " in run.last, run.output
    assert run.output.count(": TimeoutError\n") == backends, run.output
