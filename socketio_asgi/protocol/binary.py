"""Binary attachments: putting the bytes of a packet back into their places.

Taking them out happens while the JSON is written, see :class:`.json.JSONEncoder`.

Source: https://socket.io/docs/v4/socket-io-protocol/#binary-attachments
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from .errors import DecodeError
from .json import PLACEHOLDER


def reconstruct(data: list[Any], attachments: list[bytes]) -> None:
    """Replace each placeholder in ``data``, at any depth, with its attachment, in place.

    Strict on purpose: each attachment has exactly one place, as every official encoder writes it.
    Iterative, so that the depth of the data is of no concern.

    Raises:
        DecodeError: A placeholder names no attachment, or one that was used already, or an
            attachment has no placeholder.
    """
    unused: dict[int, bytes] = dict(enumerate(attachments))
    containers: list[Any] = [data]
    while containers:
        container = containers.pop()
        for key in _keys(container):
            value = container[key]
            if isinstance(value, dict) and cast("Any", value).get(PLACEHOLDER) is True:
                container[key] = _take(unused, cast("Any", value).get("num"))
            elif isinstance(value, (dict, list)):
                containers.append(value)
    if unused:
        raise DecodeError("Socket.IO", "an attachment has no placeholder")


def _keys(container: Any) -> Iterable[Any]:
    if isinstance(container, dict):
        return cast("dict[str, Any]", container)
    return range(len(container))


def _take(unused: dict[int, bytes], number: Any) -> bytes:
    # A bool is an int in Python: it must not pass as a number.
    if type(number) is not int or number not in unused:
        raise DecodeError("Socket.IO", "a placeholder names no attachment")
    return unused.pop(number)
