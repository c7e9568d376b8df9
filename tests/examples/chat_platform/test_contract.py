"""What the server says of itself: the contract that the page is compiled against."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .chat import EXAMPLES

FILE = "chat_platform/page/src/contract.ts"
COMMAND = ["contract", "chat_platform.main:io", "--title", "Chat platform", "--version", "1.0.0"]


@pytest.mark.timeout(60)
def test_the_contract_of_the_page_is_that_of_the_server(sqlite_url: str) -> None:
    command = [sys.executable, "-m", "socketio_asgi", *COMMAND]
    done = subprocess.run(
        [*command, "--check", FILE],
        cwd=EXAMPLES,
        env={**os.environ, "DATABASE_URL": sqlite_url},
        capture_output=True,
        text=True,
        check=False,
    )
    renew = f"cd examples && socketio-asgi {' '.join(COMMAND)} --output {FILE}"
    assert (done.returncode, done.stderr) == (0, ""), f"{done.stdout}\n{renew}"
