"""Exported AsyncAPI documents, as the official parser sees them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi import Server
from tests.contract.app import io
from tests.support.node import install_node_modules
from tests.support.requirements import require_command

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def parser() -> Path:
    """The folder with the parser, installed."""
    install_node_modules(FOLDER)
    return FOLDER


def diagnostics(parser: Path, document: Mapping[str, Any], tmp_path: Path) -> list[dict[str, Any]]:
    """Everything that the parser says about a document, recommendations included."""
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(document), "utf-8")
    command = [require_command("node"), "validate.mjs", str(path)]
    done = subprocess.run(
        command, cwd=parser, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(400)  # the first test installs the parser
def test_an_application_with_everything(parser: Path, tmp_path: Path) -> None:
    assert diagnostics(parser, io.contract().asyncapi(), tmp_path) == []


def test_an_empty_application(parser: Path, tmp_path: Path) -> None:
    assert diagnostics(parser, Server().contract().asyncapi(), tmp_path) == []


def test_the_parser_finds_faults(parser: Path, tmp_path: Path) -> None:
    document = io.contract().asyncapi()
    document["operations"]["MainReceiveJoin"]["action"] = "answer"
    found = diagnostics(parser, document, tmp_path)
    assert any("operations.MainReceiveJoin" in each["path"] for each in found), found
