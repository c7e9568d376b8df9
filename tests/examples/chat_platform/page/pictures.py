"""The pictures of the page in the documentation, taken again.

$ python -m tests.examples.chat_platform.page.pictures
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio

from tests.support.node import CHROMIUM_NAMES, start_node
from tests.support.processes import ROOT
from tests.support.requirements import require_command

from ..chat import ChatServer

FOLDER = ROOT / "docs" / "images"
SCRIPT = Path(__file__).with_name("accessibility.mjs")
SECONDS = 100


async def take(device: str, scheme: str) -> None:
    """Take the pictures of one size and scheme, on the way of the tests of accessibility."""
    options = {"run": "accessibility", "device": device, "scheme": scheme, "pictures": str(FOLDER)}
    env = {"HARNESS_CHROMIUM": require_command(*CHROMIUM_NAMES)}
    settings = {"DISCONNECTION_GRACE": "0.2"}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            ChatServer(f"sqlite:///{folder}/chat.sqlite", env=settings) as server,
            start_node(SCRIPT, server.url, options, env=env, timeout=SECONDS) as script,
        ):
            await script.wait_for("talking", timeout=SECONDS)


if __name__ == "__main__":
    for size, colours in (("phone", "light"), ("phone", "dark"), ("desktop", "light")):
        anyio.run(take, size, colours)
