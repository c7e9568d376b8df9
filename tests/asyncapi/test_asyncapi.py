"""Exported AsyncAPI documents, as the official parser sees them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi import Server
from tests.contract.app import io
from tests.support.node import install_node_modules
from tests.support.requirements import require_command

FOLDER = Path(__file__).parent

Diagnostics = dict[str, list[dict[str, Any]]]
"""By document: everything that the parser says about it, recommendations included."""

pytestmark = pytest.mark.timeout(400)  # the first test may have to install the parser


def faulty() -> dict[str, Any]:
    document = io.contract().asyncapi()
    document["operations"]["MainReceiveJoin"]["action"] = "answer"
    return document


@pytest.fixture(scope="module")
def diagnostics(tmp_path_factory: pytest.TempPathFactory) -> Diagnostics:
    """What one run of the parser says about all documents."""
    install_node_modules(FOLDER)
    folder = tmp_path_factory.mktemp("asyncapi")
    documents = {
        "everything": io.contract().asyncapi(),
        "empty": Server().contract().asyncapi(),
        "faulty": faulty(),
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), "utf-8")
    command = [require_command("node"), "validate.mjs", *(str(folder / name) for name in documents)]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Diagnostics = {name: [] for name in documents}
    for line in done.stdout.splitlines():
        problem = json.loads(line)
        found[Path(problem["file"]).name].append(problem)
    return found


def test_an_application_with_everything(diagnostics: Diagnostics) -> None:
    assert diagnostics["everything"] == []


def test_an_empty_application(diagnostics: Diagnostics) -> None:
    assert diagnostics["empty"] == []


def test_the_parser_finds_faults(diagnostics: Diagnostics) -> None:
    found = diagnostics["faulty"]
    assert any("operations.MainReceiveJoin" in each["path"] for each in found), found
