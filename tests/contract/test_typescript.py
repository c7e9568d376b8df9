"""The exported TypeScript, compiled strictly with the types of the real client."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.typescript import SECONDS, compile_strictly

from .app import io

FOLDER = Path(__file__).parent


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    """A folder with clients, and the contract that they are written for."""
    folder = tmp_path / "clients"
    shutil.copytree(FOLDER / "clients", folder)
    (folder / "contract.ts").write_text(io.contract().typescript(), "utf-8")
    return folder


@pytest.mark.timeout(SECONDS + 10)
def test_clients_compile(clients: Path, node_modules: Path) -> None:
    assert compile_strictly(clients, node_modules) == ""


@pytest.mark.timeout(SECONDS + 10)
def test_a_changed_contract_breaks_them(clients: Path, node_modules: Path) -> None:
    contract = clients / "contract.ts"
    changed = contract.read_text("utf-8").replace("  tags: string[];", "  labels: string[];")
    contract.write_text(changed.replace("join: (room: string", "enter: (room: string"), "utf-8")
    errors = compile_strictly(clients, node_modules)
    assert "Property 'tags' does not exist on type 'ItemOutput'" in errors
    assert "'\"join\"' is not assignable to parameter" in errors
