"""The built page, and the server that serves it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.node import install_node_modules
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command
from tests.support.shared import locked

from ..chat import EXAMPLES, ChatServer

PAGE = EXAMPLES / "chat_platform" / "page"
BUILD_SECONDS = 120


@pytest.fixture(scope="session")
def page_modules() -> Path:
    """The npm packages of the page."""
    return install_node_modules(PAGE)


@pytest.fixture(scope="session")
def built_page(page_modules: Path) -> Path:
    """The folder ``dist``, built if a source is newer; ``test_its_types`` checks the types."""
    with locked(Path(tempfile.gettempdir()) / "chat-platform-page.lock"):
        if not _is_built():
            done = subprocess.run(
                [require_command("npm"), "exec", "--", "vite", "build"],
                cwd=PAGE,
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return PAGE / "dist"


def _is_built() -> bool:
    index = PAGE / "dist" / "index.html"
    if not index.exists():
        return False
    sources = [PAGE / "package-lock.json", PAGE / "index.html", PAGE / "vite.config.js"]
    sources += (path for path in (PAGE / "src").rglob("*") if path.is_file())
    return max(path.stat().st_mtime for path in sources) <= index.stat().st_mtime


@pytest.fixture
def platform(sqlite_url: str) -> Iterator[ServerProcess]:
    """The server on its embedded database, which outlives its restarts."""
    with ChatServer(sqlite_url, env={"DISCONNECTION_GRACE": "0.2"}) as server:
        yield server
