"""Binary attachments: putting the bytes of a packet back into their places.

Taking them out happens while the JSON is written, see :class:`.json.JSONEncoder`.

Source: https://socket.io/docs/v4/socket-io-protocol/#binary-attachments
"""

from __future__ import annotations

from typing import Any, cast

from .errors import DecodeError
from .json import PLACEHOLDER, keys_of

_MANGLED = ("it", "et")
"""Names in place of ``_placeholder`` in bundles of the official client whose minifier renamed it:
``socket.io.esm.min.js`` and ``socket.io.min.js`` of 4.8.0, and the former of 4.8.1."""


def reconstruct(data: list[Any], attachments: list[bytes]) -> None:
    """Replace each placeholder in ``data``, at any depth, with its attachment, in place.

    Strict on purpose: each attachment has exactly one place, as every official encoder writes it.
    Iterative, so that the depth of the data is of no concern.

    Raises:
        DecodeError: A placeholder names no attachment, or one that was used already, or an
            attachment has no placeholder.
    """
    if place_in_order(data, attachments):
        return
    unused: dict[int, bytes] = dict(enumerate(attachments))
    containers: list[Any] = [data]
    for container in containers:  # it grows meanwhile
        for key in keys_of(container):
            value = container[key]
            if isinstance(value, dict) and cast("Any", value).get(PLACEHOLDER) is True:
                container[key] = _take(unused, cast("Any", value).get("num"))
            elif isinstance(value, (dict, list)):
                containers.append(value)
    if unused and len(unused) == len(attachments):
        _replace_mangled(containers, unused)
    if unused:
        raise DecodeError("Socket.IO", "an attachment has no placeholder")


def place_in_order(data: list[Any], attachments: list[bytes]) -> bool:
    """The short cut of :func:`reconstruct`: placeholders in their order, in the list itself.

    Returns:
        Whether that is all there is to do; otherwise nothing was changed.
    """
    places: list[int] = []
    for index, value in enumerate(data):
        kind = value.__class__
        if kind is dict:
            number = value.get("num")
            if value.get(PLACEHOLDER) is not True or type(number) is not int:
                return False
            if number != len(places):
                return False
            places.append(index)
        elif kind is list:
            return False
    if len(places) != len(attachments):
        return False
    for index, attachment in zip(places, attachments, strict=True):
        data[index] = attachment
    return True


def _replace_mangled(containers: list[Any], unused: dict[int, bytes]) -> None:
    """Replace placeholders with another key, if there are as many as attachments; else nothing."""
    places: list[tuple[Any, Any, Any]] = []
    for container in containers:
        for key in keys_of(container):
            value: Any = container[key]
            if issubclass(type(value), dict):
                if PLACEHOLDER in value:
                    return
                if len(value) == 2 and "num" in value and _is_mangled(value):
                    places.append((container, key, value["num"]))
    if len(places) == len(unused):
        for container, key, number in places:
            container[key] = _take(unused, number)


def _is_mangled(value: dict[Any, Any]) -> bool:
    return any(value.get(key) is True for key in _MANGLED)


def _take(unused: dict[int, bytes], number: Any) -> bytes:
    # A bool is an int in Python: it must not pass as a number.
    if type(number) is not int or number not in unused:
        raise DecodeError("Socket.IO", "a placeholder names no attachment")
    return unused.pop(number)
