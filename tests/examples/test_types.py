"""The examples have no errors in pyright's strict mode: nothing of ours has an unknown type."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ROOT
from tests.support.requirements import require_module

SECONDS = 180
EXAMPLES = ROOT / "examples"

PROJECTS = {
    "files": list(EXAMPLES.glob("*.py")),
    "mqtt_adapter": [EXAMPLES / "mqtt_adapter"],
    "django_chat": [EXAMPLES / "django_chat"],
    # Those with a main.py of their own, which have modules of the same names.
    **{path.parent.name: [path.parent] for path in EXAMPLES.glob("*/main.py")},
}
"""The files and folders of each project: what is in a folder imports its neighbours."""


def lay_out(root: Path) -> list[str]:
    """Put all projects into one folder, as pyright takes relative paths only."""
    for name, paths in PROJECTS.items():
        if paths == [EXAMPLES / name]:
            (root / name).symlink_to(EXAMPLES / name)
        else:
            (root / name).mkdir()
            for path in paths:
                (root / name / path.name).symlink_to(path)
    return list(PROJECTS)


def check(root: Path) -> Any:
    """Check all projects in one go: most of the work are the libraries, which they share."""
    names = lay_out(root)
    settings = {
        "include": names,
        "strict": names,
        "pythonVersion": "3.11",
        "executionEnvironments": [
            {"root": name, "extraPaths": [str(ROOT), str(EXAMPLES), str(EXAMPLES / name)]}
            for name in names
        ],
    }
    config = root / "pyrightconfig.json"
    config.write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "pyright", "-p", str(config), "--outputjson"]
    command += ["--pythonpath", sys.executable]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def files_of(path: Path) -> list[Path]:
    files = path.rglob("*.py") if path.is_dir() else [path]
    return [file for file in files if "node_modules" not in file.parts]


@pytest.mark.timeout(SECONDS + 10)
def test_strictly(tmp_path: Path) -> None:
    for module in ("pyright", "django", "litestar", "quart", "django-stubs"):
        require_module(module)
    report = check(tmp_path)
    assert report["generalDiagnostics"] == []
    files = [file for paths in PROJECTS.values() for path in paths for file in files_of(path)]
    assert report["summary"]["filesAnalyzed"] == len(files)
