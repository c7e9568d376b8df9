"""The pictures of the gallery in the documentation, taken again.

$ python -m tests.examples.screenshots                # of all examples
$ python -m tests.examples.screenshots tweet_stream   # of some
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from tests.support.node import CHROMIUM_NAMES
from tests.support.processes import ROOT
from tests.support.requirements import require_command

from .support import ExampleProcess, build, run_pages

FOLDER = ROOT / "docs" / "images"
EXAMPLES = ["cluster_chat", "custom_parsers", "react_chat", "tweet_stream", "vue_poll"]
BUILT = {"react_chat", "vue_poll"}


async def take(example: str) -> None:
    """Start an example and take its picture."""
    chromium = require_command(*CHROMIUM_NAMES)
    path = FOLDER / f"example-{example.replace('_', '-')}.png"
    options = {"example": example, "path": str(path)}
    with TemporaryDirectory() as temporary:
        folder = build(example, Path(temporary)) if example in BUILT else None
        async with ExampleProcess(example, env={"NAME": "John"}, folder=folder) as server:
            await run_pages("screenshots", server.url, chromium, options)


if __name__ == "__main__":
    for name in sys.argv[1:] or EXAMPLES:
        anyio.run(take, name)
