"""The pages on frameworks, and their code."""

from __future__ import annotations

from typing import Any

from tests.docs.snippets import ROOT, blocks_of
from tests.support.requirements import require_module

PAGES = ROOT / "docs" / "frameworks"


def run(name: str) -> dict[str, Any]:
    """Run the blocks of a page that need a framework."""
    require_module(name)
    page = PAGES / f"{name}.md"
    names: dict[str, Any] = {"__name__": __name__}  # they look their module up
    for block in blocks_of(page, "py"):
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec", dont_inherit=True)
        exec(code, names)
    return names
