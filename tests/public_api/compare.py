"""Compare two descriptions of the public API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

API = dict[str, str]


@dataclass
class Difference:
    """What a revision has done to the API.

    Attributes:
        added: New names with their descriptions.
        removed: Names that are gone, with what they were.
        renamed: Old names and new ones that are described in the same words.
        changed: Names with the descriptions before and after.
    """

    added: API
    removed: API
    renamed: dict[str, str]
    changed: dict[str, tuple[str, str]]

    def lines(self) -> Iterator[str]:
        """What is printed."""
        yield from _section("added", [f"{name}: {text}" for name, text in self.added.items()])
        yield from _section("renamed", [f"{old} -> {new}" for old, new in self.renamed.items()])
        yield from _section(
            "changed",
            [f"{name}: {old}\n    now {new}" for name, (old, new) in self.changed.items()],
        )
        yield from _section("removed", [f"{name}: {text}" for name, text in self.removed.items()])


def _section(title: str, lines: list[str]) -> Iterator[str]:
    yield f"{title}: {len(lines)}"
    yield from (f"  {line}" for line in lines)


def compare(before: API, after: API) -> Difference:
    """Find out what was added, renamed, changed and removed."""
    renamed: dict[str, str] = {}
    while found := _renamed(before, after):
        renamed |= found
        for old, new in found.items():
            before = {_moved(name, old, new): text for name, text in before.items()}
            if after[new].startswith("class "):  # annotations have its name as well
                word = re.compile(rf"\b{old.rpartition('.')[2]}\b")
                before = {
                    name: word.sub(new.rpartition(".")[2], text) for name, text in before.items()
                }
    return Difference(
        added={name: after[name] for name in sorted(after.keys() - before.keys())},
        removed={name: before[name] for name in sorted(before.keys() - after.keys())},
        renamed=dict(sorted(renamed.items())),
        changed={
            name: (before[name], after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        },
    )


def _renamed(before: API, after: API) -> dict[str, str]:
    """Pairs of an old and a new name, when nothing else beside them could be meant."""
    added = {name: after[name] for name in after.keys() - before.keys()}
    removed = {name: before[name] for name in before.keys() - after.keys()}
    found: dict[str, str] = {}
    for old, text in removed.items():
        candidates = _beside(old, text, added)
        if len(candidates) == 1 and _beside(old, text, removed) == [old]:
            found[old] = candidates[0]
    return found


def _beside(name: str, text: str, names: API) -> list[str]:
    """The names in the same class or module that are described in the same words."""
    owner = name.rpartition(".")[0]
    return [
        other
        for other, description in names.items()
        if description == text and other.rpartition(".")[0] == owner
    ]


def _moved(name: str, old: str, new: str) -> str:
    """A name after its class was renamed, or it was itself."""
    return new + name.removeprefix(old) if name == old or name.startswith(f"{old}.") else name
