"""The page of the chat platform, in Chromium, on a phone and on a desktop."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tests.support.node import NodeScript, run_node, start_node
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command

from .conftest import PAGE

HERE = Path(__file__).parent
SECONDS = 100
"""For one scenario, with several browsers beside those of other tests."""

pytestmark = [
    # Without fixtures, which may install packages and build the page, within limits of their own.
    pytest.mark.timeout(SECONDS + 20, func_only=True),
    pytest.mark.usefixtures("built_page"),
]


def options_of(scenario: str, device: str, **options: Any) -> dict[str, Any]:
    return {"run": scenario, "device": device, **options}


@pytest.mark.parametrize(
    ("scenario", "device"),
    [
        ("conversation", "phone"),
        ("conversation", "desktop"),
        ("history", "phone"),
        ("history", "desktop"),
        ("channels", "phone"),
        ("tabs", "desktop"),
        ("missed", "phone"),
        ("lost_acknowledgement", "desktop"),
        ("overtaken", "desktop"),
        ("keyboard", "desktop"),
    ],
)
async def test_the_page(platform: ServerProcess, chromium: str, scenario: str, device: str) -> None:
    result = await run_node(
        HERE / "talk.mjs",
        platform.url,
        options_of(scenario, device),
        env={"HARNESS_CHROMIUM": chromium},
        timeout=SECONDS,
    )
    assert result == {"ok": True, "problems": []}


async def interrupt(script: NodeScript, server: ServerProcess, before: str, during: str) -> None:
    """Kill the server when the script says the one word, and start it again after the other."""
    await script.wait_for(before, timeout=SECONDS)
    await to_thread.run_sync(server.kill)
    await script.send("killed")
    await script.wait_for(during, timeout=SECONDS)
    await to_thread.run_sync(server.start)
    await script.send("started")


@pytest.mark.parametrize(
    ("scenario", "before", "during", "device"),
    [
        ("restart", "talking", "offline", "phone"),
        ("restart", "talking", "offline", "desktop"),
        ("mistakes", "entered", "refused", "phone"),
    ],
)
async def test_the_server_is_killed_and_started(
    platform: ServerProcess,
    chromium: str,
    scenario: str,
    before: str,
    during: str,
    device: str,
) -> None:
    async with start_node(
        HERE / "talk.mjs",
        platform.url,
        options_of(scenario, device),
        env={"HARNESS_CHROMIUM": chromium},
        timeout=SECONDS,
    ) as script:
        await interrupt(script, platform, before, during)
        result = await script.finish(SECONDS)
    assert result == {"ok": True, "problems": []}


@pytest.mark.parametrize("device", ["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_accessibility(
    platform: ServerProcess, chromium: str, device: str, scheme: str
) -> None:
    async with start_node(
        HERE / "accessibility.mjs",
        platform.url,
        options_of("accessibility", device, scheme=scheme),
        env={"HARNESS_CHROMIUM": chromium},
        timeout=SECONDS,
    ) as script:
        await script.wait_for("talking", timeout=SECONDS)
        await to_thread.run_sync(platform.kill)
        await script.send("killed")
        result = await script.finish(SECONDS)
    assert result == {"ok": True, "violations": [], "problems": []}


def test_its_types(page_modules: Path) -> None:
    """All of it is compiled strictly, against the contract of the server."""
    done = subprocess.run(
        [require_command("npm"), "run", "check"],
        cwd=PAGE,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
