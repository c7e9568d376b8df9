"""The examples have no errors in pyright's strict mode: nothing of ours has an unknown type."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
import pytest

from tests.support.processes import ROOT
from tests.support.requirements import require_module

SECONDS = 120
EXAMPLES = ROOT / "examples"

PROJECTS = {
    "files": (EXAMPLES, [str(path) for path in EXAMPLES.glob("*.py")]),
    "mqtt_adapter": (EXAMPLES, [str(EXAMPLES / "mqtt_adapter")]),
    "django_chat": (EXAMPLES / "django_chat", [str(EXAMPLES / "django_chat")]),
}


@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("name", list(PROJECTS))
async def test_strictly(name: str, tmp_path: Path, anyio_backend: str) -> None:
    for module in ("pyright", "django", "litestar", "quart", "django-stubs"):
        require_module(module)
    folder, paths = PROJECTS[name]
    root = tmp_path / "root"  # pyright takes relative paths only
    root.mkdir()
    names = []
    for path in map(Path, paths):
        (root / path.name).symlink_to(path)
        names.append(path.name)
    settings = {
        "include": names,
        "strict": names,
        "pythonVersion": "3.11",
        "extraPaths": [str(ROOT), str(folder)],
    }
    config = root / "pyrightconfig.json"
    config.write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "pyright", "-p", str(config), "--pythonpath", sys.executable]
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(command, cwd=root, check=False)
    assert "0 errors" in done.stdout.decode(), done.stdout.decode() + done.stderr.decode()
