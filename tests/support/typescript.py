"""The compiler of TypeScript, strict, with the types of the real client.

>>> assert compile_strictly(folder, node_modules) == ""

With the fixture ``node_modules`` of the test; all files of the folder are one program.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .requirements import require_command

SECONDS = 60
"""For one run of the compiler."""

_PACKAGES = ("socket.io-client", "engine.io-client", "@socket.io/component-emitter")


def compile_strictly(folder: Path, node_modules: Path, *, output: Path | None = None) -> str:
    """Compile all files of a folder; returns what the compiler complains about.

    Args:
        folder: The folder.
        node_modules: The folder of packages, those of the client and the compiler among them.
        output: Where JavaScript is written, as modules for Node.js; None writes none.
    """
    options = {
        "strict": True,
        "noEmit": output is None,
        "noEmitOnError": True,
        "noUncheckedIndexedAccess": True,
        "exactOptionalPropertyTypes": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "lib": ["es2022", "dom"],
        "types": [],
        "skipLibCheck": True,  # those of the client need others, of Node.js
        "paths": {name: [str(node_modules / name)] for name in _PACKAGES},
    }
    if output is not None:
        output.mkdir()
        (output / "package.json").write_text('{"type": "module"}', "utf-8")
        (output / "node_modules").symlink_to(node_modules)
        options |= {"outDir": str(output), "rootDir": str(folder)}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}), "utf-8")
    compiler = str(node_modules / "typescript/bin/tsc")
    done = subprocess.run(
        [require_command("node"), compiler, "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout
