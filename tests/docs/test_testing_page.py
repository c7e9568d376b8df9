"""The page on testing: its tests pass, in a run of pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import require_module

from .snippets import ROOT

PAGE = ROOT / "docs" / "testing.md"

_FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)

OPTIONS = {
    "anyio": "anyio_mode = auto",
    "pytest_asyncio": "asyncio_mode = auto",
    "pytest_trio": "trio_mode = true",
}
"""By plugin: the line that makes it run async tests, in place of that of the page."""


def files() -> dict[str, str]:
    """The files of the page; the blocks of one title are one file."""
    contents: dict[str, str] = {}
    for name, code in _FILE.findall(PAGE.read_text("utf-8")):
        contents[name] = contents.get(name, "") + code + "\n\n"
    return contents


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in files().items():
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize("plugin", OPTIONS)
def test_the_tests_of_the_page_pass(plugin: str, project: Path) -> None:
    for module in ("fastapi", "itsdangerous", plugin):
        require_module(module)
    settings = (project / "pytest.ini").read_text()
    assert OPTIONS["anyio"] in settings
    (project / "pytest.ini").write_text(settings.replace(OPTIONS["anyio"], OPTIONS[plugin]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    written = sum(content.count("\nasync def test_") for content in files().values())
    loops = 2 if plugin == "anyio" else 1
    # One is a plain function, and one runs for each of three ways to connect.
    assert f"{(written + 2) * loops + 1} passed" in done.stdout, done.stdout + done.stderr


def test_the_message_of_the_page_is_that_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert re.search(r"no 'news' came to <TestClient / \S+> within 5 seconds; 'News' did", page)
