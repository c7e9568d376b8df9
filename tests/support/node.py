"""The official JavaScript clients, run by Node (or in Chromium) against a server of the test.

A scenario is a small ``.mjs`` file in ``tests/interop`` that uses ``harness.mjs``. To run it
whole, with the fixture ``node_modules`` in the test's arguments:

>>> result = await run_node("echo.mjs", served.url, {"text": "hello"})
>>> assert result["answer"] == "hello"

To talk to it while it runs:

>>> async with start_node("reconnect.mjs", server.url) as script:
...     await script.wait_for("connected")
...     await anyio.to_thread.run_sync(server.restart)
...     await script.wait_for("connected")
...     await script.send("finish")
...     result = await script.finish()
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from .requirements import missing, require_command
from .shared import locked

INTEROP = Path(__file__).resolve().parents[1] / "interop"
TIMEOUT = 30.0  # seconds for a whole scenario
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first one is the same engine without the windows, and starts with half the work."""
STAMP = ".package-lock.json"  # npm's own record, the stamp of the Makefile too
MAX_LINE = 64_000_000  # bytes of one JSON line


class NodeError(AssertionError):
    """A scenario failed; the message holds its lines and what it wrote to stderr."""


class NodeScript:
    """A running scenario, made by :func:`start_node`."""

    def __init__(self, name: str, process: Process, errors: IO[bytes]) -> None:
        assert process.stdout is not None
        self.name = name
        self.lines: list[dict[str, Any]] = []
        self._process = process
        self._errors = errors
        self._stdout = BufferedByteReceiveStream(process.stdout)

    @property
    def stderr(self) -> str:
        """What the script wrote to stderr so far."""
        return os.pread(self._errors.fileno(), 1_000_000, 0).decode(errors="replace")

    async def read(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Return the next line; text that is not a JSON object comes as ``{"log": text}``.

        The script ends itself in time: a shorter limit would count the start of Node, too.

        Raises:
            NodeError: the script ended, or wrote nothing for ``timeout`` seconds.
        """
        try:
            with anyio.fail_after(timeout):
                line = await self._stdout.receive_until(b"\n", MAX_LINE)
        except (anyio.IncompleteRead, anyio.EndOfStream):
            raise self._error("ended") from None
        except TimeoutError:
            raise self._error(f"wrote nothing for {timeout} s") from None
        self.lines.append(_decode(line.decode()))
        return self.lines[-1]

    async def wait_for(self, event: str, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Read until ``report(event, ...)``; returns that line."""
        try:
            with anyio.fail_after(timeout):
                while (line := await self.read(timeout)).get("event") != event:
                    if line.get("ok") is not None:
                        raise self._error(f"ended without {event!r}")
        except TimeoutError:
            raise self._error(f"no {event!r} within {timeout} s") from None
        return line

    async def send(self, command: str, **data: Any) -> None:
        """Send a line for ``await command(name)`` in the script."""
        assert self._process.stdin is not None
        await self._process.stdin.send(_encode({"command": command, **data}).encode() + b"\n")

    async def finish(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Read to the end; returns the last line, which must say ``"ok": true``."""
        while not self.lines or "ok" not in self.lines[-1]:
            await self.read(timeout)
        if self.lines[-1]["ok"] is not True:
            raise self._error("failed")
        return self.lines[-1]

    def _error(self, what: str) -> NodeError:
        lines = "\n".join(f"  {line}" for line in self.lines[-20:])
        return NodeError(f"{self.name} {what}\nlines:\n{lines}\nstderr:\n{self.stderr}")


@asynccontextmanager
async def start_node(
    script: str | Path,
    url: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    timeout: float = TIMEOUT,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[NodeScript]:
    """Start ``tests/interop/SCRIPT`` and yield it; leaving the block kills it if still running.

    Args:
        script: path below ``tests/interop`` (packages are found from there), or an absolute one.
        url: becomes ``url`` in the script.
        options: become ``options`` in the script; JSON values and bytes.
        timeout: seconds after which the script ends itself with an error.
        env: variables added to its environment, for example ``{"DEBUG": "engine*"}``.
    """
    node = require_command("node")
    command = [node, str(INTEROP / script), url, _encode(dict(options or {}))]
    environment = {**os.environ, "HARNESS_TIMEOUT": str(timeout), **(env or {})}
    with tempfile.TemporaryFile() as errors:
        process = await anyio.open_process(
            command, cwd=INTEROP, stderr=errors, env=environment, stdin=subprocess.PIPE
        )
        try:
            yield NodeScript(str(script), process, errors)
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)


async def _end(process: Process) -> None:
    with anyio.move_on_after(2):  # a finished script is about to exit
        if process.stdin is not None:
            await process.stdin.aclose()
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


async def run_node(
    script: str | Path,
    url: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    timeout: float = TIMEOUT,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a scenario to its end; returns its last line, for example ``{"ok": True, ...}``.

    Raises:
        NodeError: it failed or took more than ``timeout`` seconds; shows lines and stderr.
    """
    async with start_node(script, url, options, timeout=timeout, env=env) as running:
        return await running.finish(timeout + 5)


@asynccontextmanager
async def start_browser(
    scenario: str | Path,
    url: str,
    options: Mapping[str, Any] | None = None,
    *,
    page: str | None = None,
    timeout: float = TIMEOUT,
) -> AsyncIterator[NodeScript]:
    """Start a scenario inside headless Chromium (see ``tests/interop/browser.mjs``).

    Args:
        scenario: a ``.js`` file below ``tests/interop`` with one function expression.
        url: becomes ``url`` in the scenario.
        options: become ``options``; JSON values only. ``$cookies`` are set in the browser.
        page: address of the page to open, for same-origin requests. By default a blank page of
            another origin.
        timeout: seconds for everything.
    """
    chromium = require_command(*CHROMIUM_NAMES)
    settings = {**(options or {}), "$scenario": str(INTEROP / scenario)}
    if page is not None:
        settings["$page"] = page
    env = {"HARNESS_CHROMIUM": chromium}
    async with start_node("browser.mjs", url, settings, timeout=timeout, env=env) as running:
        yield running


async def run_browser(
    scenario: str | Path,
    url: str,
    options: Mapping[str, Any] | None = None,
    *,
    page: str | None = None,
    timeout: float = TIMEOUT,
) -> dict[str, Any]:
    """Run a scenario in Chromium to its end; returns its last line.

    >>> result = await run_browser("browser_chat.js", served.url, page=served.url + "/")
    """
    async with start_browser(scenario, url, options, page=page, timeout=timeout) as running:
        return await running.finish(timeout + 5)


def install_node_modules(folder: Path = INTEROP) -> Path:
    """Install the packages of a folder once for each lock file; returns where they are."""
    npm = require_command("npm")
    require_command("node")
    packages = folder / "node_modules"
    lock_name = f"npm-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.lock"
    with locked(Path(tempfile.gettempdir()) / lock_name):
        if not _is_installed(folder):
            _npm_ci(npm, folder)
    return packages


def _is_installed(folder: Path) -> bool:
    stamp = folder / "node_modules" / STAMP
    sources = (folder / "package.json", folder / "package-lock.json")
    newest = max(source.stat().st_mtime for source in sources)
    return stamp.exists() and stamp.stat().st_mtime >= newest


def _npm_ci(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        missing(f"npm ci failed in tests/{folder.name}: {done.stderr.strip()}")
    (folder / "node_modules" / STAMP).touch()


def _encode(value: Any) -> str:
    return json.dumps(value, default=_encode_bytes)


def _encode_bytes(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode()}
    raise TypeError(f"not a JSON value: {value!r}")


def _decode(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line, object_hook=_decode_bytes)
    except ValueError:
        return {"log": line}
    return value if isinstance(value, dict) else {"log": line}


def _decode_bytes(item: dict[str, Any]) -> Any:
    return base64.b64decode(item["$bytes"]) if set(item) == {"$bytes"} else item
