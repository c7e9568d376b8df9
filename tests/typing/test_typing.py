"""The types of the public API, as mypy and pyright see them.

``accepted.py`` has no errors; in ``rejected.py`` each marked line is one, and no other line.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import anyio
import pytest

from tests.support.requirements import require_module

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SECONDS = 120
"""For one run of a checker; pyright installs itself at its first one."""

_MARK = re.compile(r"  # type: ignore\[.*")


async def errors_of(checker: str, *paths: Path) -> set[tuple[str, int]]:
    """The names of files and the numbers of lines that a checker complains about."""
    require_module(checker)
    # The configuration names .venv, which need not be the environment that runs the tests.
    option = {"mypy": "--python-executable", "pyright": "--pythonpath"}[checker]
    command = [sys.executable, "-m", checker, option, sys.executable, *map(str, paths)]
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(command, cwd=ROOT, check=False)
    found = re.findall(r"([\w.]+):(\d+)[:\d]*(?: -)? error: ", done.stdout.decode())
    assert found, done.stdout.decode() + done.stderr.decode()
    return {(name, int(line)) for name, line in found}


@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
async def test_public_types(checker: str, tmp_path: Path) -> None:
    marked = (FOLDER / "rejected.py").read_text("utf-8")
    lines = {number for number, line in enumerate(marked.splitlines(), 1) if _MARK.search(line)}
    bare = tmp_path / "bare.py"
    bare.write_text(_MARK.sub("", marked), "utf-8")
    found = await errors_of(checker, FOLDER / "accepted.py", bare)
    assert found == {("bare.py", line) for line in lines}
