"""MessagePack, as official servers write it and understand it.

It needs ormsgpack, of the extra ``msgpack``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ....protocol import EncodeError
from ....protocol.json import with_text_keys
from . import checks
from .halves import without_halves

_TIMESTAMP_EXTENSION = -1
_OLD_EXTENSION = 0
_UNDEFINED_BYTES = 1
_OLD_DATE_BYTES = 8
_MILLISECONDS = 1000


def pack(fields: Any) -> bytes:
    """Turn plain values into MessagePack.

    Raises:
        EncodeError: ormsgpack is not installed.
    """
    try:
        import ormsgpack
    except ModuleNotFoundError as error:
        raise EncodeError(
            'binary data between servers needs ormsgpack: pip install "socketio-asgi[msgpack]"'
        ) from error
    option = ormsgpack.OPT_PASSTHROUGH_BIG_INT | ormsgpack.OPT_REPLACE_SURROGATES
    return ormsgpack.packb(fields, float, option)


def unpack(data: bytes) -> Any:
    """Read MessagePack, as official servers write it.

    Raises:
        MalformedMessage: It is none.
    """
    try:
        import ormsgpack
    except ModuleNotFoundError:
        checks.refuse("MessagePack came, and ormsgpack is not installed")

    def read(data: bytes) -> Any:
        return ormsgpack.unpackb(data, ext_hook=_read_extension, option=ormsgpack.OPT_NON_STR_KEYS)

    try:
        try:
            fields = read(data)
        except ValueError as error:
            if "UTF-8" not in str(error):
                raise
            fields = read(without_halves(data))
        return with_text_keys(fields)
    except (EncodeError, ValueError, TypeError, RecursionError) as error:
        checks.refuse(f"no MessagePack: {error}")


def _read_extension(tag: int, data: bytes) -> Any:
    """A date, as JavaScript prints it; or what old versions sent as other values."""
    if tag == _TIMESTAMP_EXTENSION:
        return _date(*_timestamp(data))
    if tag != _OLD_EXTENSION:
        raise ValueError("unknown extension type")
    if len(data) == _OLD_DATE_BYTES:
        seconds, rest = divmod(int.from_bytes(data, "big", signed=True), _MILLISECONDS)
        return _date(seconds, rest * 1_000_000)
    return None if len(data) == _UNDEFINED_BYTES else bytes(data)


def _timestamp(data: bytes) -> tuple[int, int]:
    """Seconds and nanoseconds.

    Source: https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type
    """
    match len(data):
        case 4:
            return int.from_bytes(data, "big"), 0
        case 8:
            number = int.from_bytes(data, "big")
            return number & (2**34 - 1), number >> 34
        case 12:
            seconds = int.from_bytes(data[4:], "big", signed=True)
            return seconds, int.from_bytes(data[:4], "big")
        case _:
            raise ValueError("not a timestamp")


def _date(seconds: int, nanoseconds: int) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("a date is out of range") from error
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 1_000_000:03}Z"
