"""The exported TypeScript, compiled strictly with the types of the real client."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.requirements import require_command

from .app import io

FOLDER = Path(__file__).parent
SECONDS = 60
"""For one run of the compiler."""


def compile_strictly(folder: Path, node_modules: Path) -> str:
    """Compile all files of a folder; returns what the compiler complains about."""
    packages = ("socket.io-client", "engine.io-client", "@socket.io/component-emitter")
    options = {
        "strict": True,
        "noEmit": True,
        "noUncheckedIndexedAccess": True,
        "exactOptionalPropertyTypes": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "lib": ["es2022", "dom"],
        "types": [],
        "skipLibCheck": True,  # those of the client need others, of Node.js
        "paths": {name: [str(node_modules / name)] for name in packages},
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}), "utf-8")
    command = [
        require_command("node"),
        str(node_modules / "typescript/bin/tsc"),
        "--pretty",
        "false",
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stderr == ""
    return done.stdout


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
