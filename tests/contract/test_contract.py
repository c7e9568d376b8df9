"""The contract of an application: what is in it, and how it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .app import io

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["contract.ts", "asyncapi.json"])
def test_the_whole_contract(name: str, request: pytest.FixtureRequest) -> None:
    """What tests/contract/app.py exports; see the message of a failure for how to renew it."""
    contract = io.contract(title="Everything", version="1.2.3")
    document = json.dumps(contract.asyncapi(), indent=2) + "\n"
    text = {"contract.ts": contract.typescript(), "asyncapi.json": document}[name]
    path = GOLDEN / name
    if request.config.getoption("--renew-golden"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), "renew it with --renew-golden, and look at the change"
