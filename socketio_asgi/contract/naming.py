"""Names of types and namespaces that programs can use."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def is_identifier(name: str) -> bool:
    """True for a name that TypeScript takes without quotes."""
    return _IDENTIFIER.fullmatch(name) is not None


def as_type_name(text: str) -> str:
    """A text as the name of a type, such as ``GamesChess`` for ``/games/chess``."""
    words: list[str] = _WORD.findall(text)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if is_identifier(name) else f"T{_ascii(name)}"


def _ascii(text: str) -> str:
    return "".join(char if char.isascii() else f"u{ord(char):x}" for char in text)


def distinct(names: Iterable[str]) -> list[str]:
    """The same names, those that come again with a number behind them."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        number, found = 2, name
        while found in taken:
            number, found = number + 1, f"{name}{number}"
        taken.add(found)
        result.append(found)
    return result
