"""Examples in folders of their own, started as they say: the command stands in their README.md."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.docs.snippets import blocks_of
from tests.support.node import install_node_modules, run_node
from tests.support.processes import ROOT, ServerProcess

EXAMPLES = ROOT / "examples"
BUILD_SECONDS = 100
"""For one build: the test processes of a run begin with several at the same time."""
RUN = re.compile(r"^\$ (?:\w+=\S+ +)*socketio-asgi run ([^&]*)")
"""A start command, perhaps behind variables of its environment."""


def start_command(example: str) -> list[str]:
    """The arguments of ``socketio-asgi run`` in the first start command of a README."""
    for block in blocks_of(EXAMPLES / example / "README.md", "console"):
        for line in block.code.splitlines():
            if found := RUN.match(line):
                return shlex.split(found[1], comments=True)
    raise AssertionError(f"examples/{example}/README.md has no line with socketio-asgi run")


class ExampleProcess(ServerProcess):
    """An example on a free port, in its own folder.

    >>> with ExampleProcess("whiteboard") as server:
    ...     await run_node("examples/whiteboard.mjs", server.url)

    Args:
        example: The name of its folder.
        options: Further options of ``socketio-asgi run``.
        env: Variables added to its environment.
        folder: A copy of the example, to be started in its place.
    """

    def __init__(
        self,
        example: str,
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        working_dir = folder or EXAMPLES / example
        super().__init__(example, "", options=options, env=env, working_dir=working_dir)

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        arguments = start_command(name)
        command = [sys.executable, "-m", "socketio_asgi", "run", *arguments]
        return [*command, *options, "--port", str(self.port)]

    def _require(self) -> None:
        """It needs what the tests of its own require."""


async def run_pages(
    script: str, url: str, chromium: str, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Run a script of ``tests/interop/examples`` that opens pages; returns its last line."""
    env = {"HARNESS_CHROMIUM": chromium}
    return await run_node(f"examples/{script}.mjs", url, options, env=env)


def build(example: str, folder: Path, *, development: bool = False) -> Path:
    """Copy an example and build what is in JavaScript, as its README says; returns where it is.

    Args:
        example: The name of its folder.
        folder: Where the copy goes.
        development: Whether a page is built with what is for development alone.
    """
    packages = install_node_modules(EXAMPLES / example)
    copy = folder / example
    ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
    shutil.copytree(EXAMPLES / example, copy, ignore=ignored)
    (copy / "node_modules").symlink_to(packages)
    command = ["npm", "run", "build"]
    if development:
        command = ["npm", "exec", "--", "vite", "build", "--mode", "development"]
    env = {**os.environ, "NODE_ENV": "development" if development else "production"}
    done = subprocess.run(
        command,
        cwd=copy,
        env=env,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


def check_contract(example: str) -> None:
    """The types of the page are those of the server."""
    command = [sys.executable, "-m", "socketio_asgi", "contract", "main:io"]
    command += ["--check", "src/contract.ts"]
    done = subprocess.run(
        command, cwd=EXAMPLES / example, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
