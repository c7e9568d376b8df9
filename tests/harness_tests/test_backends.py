"""Where tests run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .support import run_pytest, takes_time

pytestmark = takes_time

TESTS = """
    import pytest
    from tests.support.backends import not_fast, on_asyncio, only_fast, serves

    async def test_plain(): ...

    @pytest.mark.runtime
    async def test_near(): ...

    @on_asyncio
    async def test_not_trio(serving): ...

    async def test_server(serving): ...

    @pytest.mark.runtime
    @serves
    async def test_own_server(): ...

    @only_fast
    async def test_fast(serving): ...

    @pytest.mark.parametrize("anyio_backend", ["trio"])
    async def test_trio(): ...

    def test_no_coroutine(): ...
"""

ALWAYS = {
    *("plain[asyncio]", "near[asyncio]", "near[trio]", "not_trio[asyncio]", "not_trio[fast]"),
    *("server[asyncio]", "server[fast]", "own_server[asyncio]", "own_server[fast]"),
    *("own_server[trio]", "fast[fast]", "trio[trio]", "no_coroutine"),
}


@pytest.mark.parametrize(
    ("options", "more"), [([], set[str]()), (["--all-backends"], {"plain[trio]", "server[trio]"})]
)
def test_backends(tmp_path: Path, options: list[str], more: set[str]) -> None:
    run = run_pytest(tmp_path, TESTS, "-v", *options)
    assert run.code == 0, run.output
    found = re.findall(r"::test_(\S+) PASSED", run.output)
    assert len(found) == len(set(found))
    assert set(found) == ALWAYS | more


def test_the_fast_path_is_not_forgotten(tmp_path: Path) -> None:
    source = """
        from tests.support.echo import EchoApp
        from tests.support.serving import serve

        async def test_it():
            async with serve(EchoApp()):
                pass
    """
    run = run_pytest(tmp_path, source)
    assert "has to be marked with @serves" in run.output
    assert "1 failed" in run.last
