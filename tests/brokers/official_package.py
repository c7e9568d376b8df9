"""Official packages that are not in every registry, each built as one file.

Where such a package is not installed in ``tests/brokers``, it is built from a checkout of its
repository: ``SOCKETIO_REPOSITORY`` is one of https://github.com/socketio/socket.io, and
``SOCKETIO_REPOSITORIES`` a folder of checkouts of others, each under its name there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.requirements import require_command

BROKERS = Path(__file__).parent
INSTALL_SECONDS = 120

ENVIRONMENT = {**os.environ, "NODE_PATH": str(BROKERS / "node_modules")}
"""The environment in which what was built finds its packages in ``tests/brokers``."""


def installed_package(name: str) -> Path | None:
    """The main file of a package that is installed in ``tests/brokers``."""
    found = BROKERS / "node_modules" / name / "dist/index.js"
    return found if found.is_file() else None


def official_adapter(name: str, folder: Path) -> Path | None:
    """An official adapter as one file; None when it is neither installed nor checked out.

    Args:
        name: The name of its repository, such as ``socket.io-gcp-pubsub-adapter``.
        folder: Where it may be built.
    """
    installed = installed_package(name.replace("socket.io-", "@socket.io/", 1))
    if installed is not None:
        return installed
    source = Path(os.environ.get("SOCKETIO_REPOSITORIES", "")) / name / "lib/index.ts"
    return bundle(source, folder, f"{name}.cjs") if source.is_file() else None


def bundle(source: Path, folder: Path, name: str) -> Path:
    """Build one file of a source in TypeScript, without the packages that it needs."""
    target = folder / name
    options = ["--bundle", "--platform=node", "--packages=external", f"--outfile={target}"]
    subprocess.run([_esbuild(folder), str(source), *options], check=True, capture_output=True)
    return target


def _esbuild(folder: Path) -> str:
    found = shutil.which("esbuild")
    if found is not None:
        return found
    npm = [require_command("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(
        [*npm, "--prefix", str(folder), "esbuild"],
        check=True,
        capture_output=True,
        timeout=INSTALL_SECONDS,
    )
    return str(folder / "node_modules/.bin/esbuild")
