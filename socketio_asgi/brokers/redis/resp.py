"""The protocol of Redis, version 3 (RESP3): commands out, replies in.

Replies are read by hiredis where that is installed, which is a few times faster.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from .errors import RedisError, RedisReplyError

Argument = str | bytes | int
"""An argument of a command; text is sent as UTF-8."""

INCOMPLETE: Final = object()
"""The result of :meth:`Reader.gets` when more bytes are needed."""


class RespError(RedisError):
    """The bytes are none of the protocol."""


class Reader(Protocol):
    """Bytes in, replies out."""

    def feed(self, data: bytes, /) -> object:
        """Take bytes."""
        ...

    def gets(self) -> Any:
        """The next reply; :data:`INCOMPLETE` when its bytes have not all come.

        An error of the server is returned, a :class:`.RedisReplyError`.

        Raises:
            RespError: The bytes are none of the protocol.
        """
        ...


class Push(list[Any]):
    """Something that the server sent without being asked; hiredis has a type of its own for it."""


def make_reader() -> tuple[Reader, type[list[Any]]]:
    """Make a reader; gives the type of what the server sends without being asked as well."""
    try:
        import hiredis
    except ModuleNotFoundError:
        return PythonReader(), Push
    reader: Reader = hiredis.Reader(
        protocolError=RespError, replyError=RedisReplyError, notEnoughData=INCOMPLETE
    )
    return reader, hiredis.PushNotification


def encode_command(arguments: tuple[Argument, ...]) -> bytes:
    """Turn a command into bytes."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if isinstance(argument, str):
            argument = argument.encode()  # noqa: PLW2901  # the same argument
        elif isinstance(argument, int):
            argument = b"%d" % argument  # noqa: PLW2901
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)


class PythonReader:
    """A reader in Python; a reply whose bytes come in several pieces is begun anew with each line.

    What it returns is what hiredis returns.
    """

    def __init__(self) -> None:
        self._data = b""
        self._chunks: list[bytes] = []
        self._needed = 0  # the size that the data must have before it makes sense to try again
        self._size = 0
        self._position = 0

    def feed(self, data: bytes, /) -> None:
        """Take bytes."""
        self._chunks.append(data)
        self._size += len(data)

    def gets(self) -> Any:
        """The next reply; see :meth:`Reader.gets`."""
        if self._chunks:
            if self._size < self._needed:
                return INCOMPLETE
            self._data = b"".join((self._data[self._position :], *self._chunks))
            self._chunks.clear()
            self._position = self._needed = 0
            self._size = len(self._data)
        start = self._position
        try:
            return self._read()
        except _NotEnough as error:
            self._position = start
            self._needed = error.args[0] - start if error.args else 0
            self._data, self._position = self._data[start:], 0
            self._size = len(self._data)
            return INCOMPLETE
        except (ValueError, UnicodeDecodeError, TypeError) as error:
            raise RespError(f"not a reply: {error}") from error

    def _read(self) -> Any:
        end = self._data.find(b"\r\n", self._position)
        if end < 0:
            raise _NotEnough
        kind, rest = self._data[self._position : self._position + 1], self._position + 1
        line = self._data[rest:end]
        self._position = end + 2
        read = _LINES.get(kind)
        if read is not None:
            return read(line)
        if kind in _BULKS:
            return self._read_bulk(kind, int(line))
        if kind in _AGGREGATES:
            return self._read_aggregate(kind, int(line))
        raise RespError(f"no type of replies: {kind!r}")

    def _read_bulk(self, kind: bytes, length: int) -> Any:
        if length == -1:
            return None
        end = self._position + length
        if len(self._data) < end + 2:
            raise _NotEnough(end + 2)
        data = self._data[self._position : end]
        if length < 0 or self._data[end : end + 2] != b"\r\n":
            raise RespError("the end of a text is missing")
        self._position = end + 2
        return data[4:] if kind == b"=" else data

    def _read_aggregate(self, kind: bytes, length: int) -> Any:
        if length == -1:
            return None
        if length < 0:
            raise RespError("a negative number of items")
        if kind in {b"%", b"|"}:
            pairs = {self._read(): self._read() for _ in range(length)}
            # Attributes stand before the reply that they belong to; nobody asks for them.
            return pairs if kind == b"%" else self._read()
        items = [self._read() for _ in range(length)]
        return Push(items) if kind == b">" else items


class _NotEnough(Exception):
    """More bytes are needed; the argument is the position up to which, where it is known."""


def _read_boolean(line: bytes) -> bool:
    if line not in {b"t", b"f"}:
        raise RespError("not a boolean")
    return line == b"t"


def _read_nothing(line: bytes) -> None:
    if line:
        raise RespError("not the null")


_LINES: dict[bytes, Callable[[bytes], Any]] = {
    b"+": bytes,
    b"-": lambda line: RedisReplyError(line.decode(errors="replace")),
    b":": int,
    b"(": bytes,  # an integer of any length; as text, because hiredis has it so
    b",": float,
    b"#": _read_boolean,
    b"_": _read_nothing,
}
_BULKS = frozenset({b"$", b"="})
_AGGREGATES = frozenset({b"*", b">", b"~", b"%", b"|"})
