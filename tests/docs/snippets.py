"""The code blocks of the documentation, found and run.

The Python blocks of a page are run in their order in one namespace, like the cells of a notebook:
the first one is complete, later ones build on it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.requirements import missing

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its first line of code."""

    language: str
    code: str
    line: int


def blocks_of(page: Path, language: str) -> list[Block]:
    """The blocks of a page in one language."""
    text = page.read_text("utf-8")
    found = [
        Block(match["language"], match["code"], text.count("\n", 0, match.start()) + 2)
        for match in _BLOCK.finditer(text)
    ]
    return [block for block in found if block.language == language]


def run_blocks(page: Path) -> dict[str, Any]:
    """Run the Python blocks of a page; returns what they defined."""
    namespace: dict[str, Any] = {"__name__": f"docs_{page.stem}", "__file__": str(page)}
    with _logging_restored():
        for block in blocks_of(page, "python"):
            # Empty lines in front, so that a traceback names the line of the page.
            code = "\n" * (block.line - 1) + block.code
            try:
                exec(compile(code, str(page), "exec", dont_inherit=True), namespace)
            except ModuleNotFoundError as error:
                missing(f"{page.name} needs {error.name}")
    return namespace


@contextmanager
def _logging_restored() -> Iterator[None]:
    """Take back what a page sets up for logging, of which other tests would see more lines."""
    root, engine = logging.getLogger(), logging.getLogger("socketio_asgi.engine")
    handlers, levels = root.handlers[:], (root.level, engine.level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        engine.setLevel(levels[1])


def rows_of(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    _, found, text = page.read_text("utf-8").partition(f"## {heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None, f"there is no table below {heading!r}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
