"""Values of an application as the admin UI shows them.

What the UI gets is JSON of a bounded size. What has no form in JSON, or is too large, is replaced
by a few words; nothing that an application keeps or sends can raise here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from math import isfinite
from typing import Any, Final, cast

from ..adapters.packet import to_plain
from ..protocol import Parser

MAX_CHARACTERS = 16_384
"""Characters of one value that are shown, such as the data of a socket."""

MAX_DEPTH: Final = 20
"""Levels of lists and objects that are shown."""

SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer of which JavaScript knows every digit."""

CUT: Final = "…"
"""What stands for everything that is left out."""

_VALUE_COST: Final = 4


class _Presenter:
    def __init__(self, parser: Parser, left: int) -> None:
        self._parser = parser
        self.left = left

    def show(self, value: Any, depth: int = 0) -> Any:
        if self.left <= 0 or depth > MAX_DEPTH:
            return CUT
        self.left -= _VALUE_COST
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return int(value) if abs(value) <= SAFE_INTEGER else self._number(value)
        if isinstance(value, float):
            return float(value) if isfinite(value) else str(value)
        if isinstance(value, dict):
            return self._object(value, depth)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, list | tuple | set | frozenset):
            return self._list(cast("Collection[Any]", value), depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{memoryview(cast('bytes', value)).nbytes} bytes>"
        return self._other(value, depth)

    def _text(self, value: str) -> str:
        shown = value[: max(self.left, 0)]
        self.left -= len(shown)
        if not shown.isascii():  # half of a surrogate pair is no character
            shown = shown.encode("utf-8", "replace").decode()
        return shown if len(shown) == len(value) else shown + CUT

    def _number(self, value: int) -> str:
        return self._text(str(value)) if value.bit_length() <= 4096 else "<int>"

    def _object(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, item in self._some(value.items()):
            shown[self._key(key)] = self.show(item, depth + 1)
        if len(shown) < len(value):
            shown[CUT] = CUT
        return shown

    def _key(self, key: Any) -> str:
        if key is None or isinstance(key, bool | int | float):
            return self._text(str(key)[:100])
        return self._text(key if isinstance(key, str) else _named(key))

    def _list(self, value: Collection[Any], depth: int) -> list[Any]:
        shown = [self.show(item, depth + 1) for item in self._some(value)]
        if len(shown) < len(value):
            shown.append(CUT)
        return shown

    def _some(self, items: Iterable[Any]) -> list[Any]:
        """As many of the items as can be shown."""
        try:
            return list(islice(items, self.left // _VALUE_COST + 1))
        except RuntimeError:  # another thread changes them
            return []

    def _other(self, value: Any, depth: int) -> Any:
        try:
            plain = to_plain(value, self._parser)
        except Exception:  # noqa: BLE001  # it has no form in JSON, or a method that raises
            return _named(value)
        return self.show(plain, depth + 1)


def present(value: Any, parser: Parser, limit: int = MAX_CHARACTERS) -> tuple[Any, int]:
    """A value in plain JSON, of a bounded size.

    Args:
        value: Any value.
        parser: The parser of the server, which knows more types than JSON.
        limit: The number of characters that are shown.

    Returns:
        The value as it is shown, and about as many characters as it takes.
    """
    presenter = _Presenter(parser, limit)
    try:
        shown = presenter.show(value)
    except Exception:  # noqa: BLE001  # of a class of the application, which stands in for a plain one
        shown = _named(value)
    return shown, limit - presenter.left


def _named(value: object) -> str:
    return f"<{type(value).__name__}>"
