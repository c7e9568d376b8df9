"""The page about drivers of one's own: its driver passes the suite, and its excerpts are real."""

from __future__ import annotations

import re

import pytest

from socketio_asgi.testing.adapters import AdapterConformance, Broker

from .snippets import ROOT, blocks_of, run_blocks

PAGE = ROOT / "docs" / "cluster" / "own-driver.md"
EXAMPLE = ROOT / "examples" / "mqtt_adapter"


class TestHub(AdapterConformance):
    @pytest.fixture
    def broker(self) -> Broker:
        broker: Broker = run_blocks(PAGE)["HubBroker"]()
        return broker


def test_excerpts() -> None:
    files = [_lines(path.read_text("utf-8")) for path in EXAMPLE.glob("*.py")]
    excerpts = [_lines(block.code) for block in blocks_of(PAGE, "py")]
    assert len(excerpts) == 8
    assert [lines for lines in excerpts if not any(lines in file for file in files)] == []


def _lines(code: str) -> str:
    """Code without indentation, empty lines, and the docstrings of classes."""
    code = re.sub(r'(^class [^\n]*\n) +""".*?"""\n\n?', r"\1", code, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line.strip() for line in code.splitlines() if line.strip()) + "\n"
