"""The MessagePack parser: every packet is one binary message.

Smaller than JSON for numbers and binary data; the clients need ``socket.io-msgpack-parser``.
Wire-compatible with that package: a packet is a map with ``type``, ``nsp``, ``data`` and ``id``.

Messages without extensions, which are nearly all, are read by ormsgpack alone; for the others see
:mod:`.msgpack_extensions`.

Source: https://socket.io/docs/v4/custom-parser/#the-msgpack-parser
"""

from __future__ import annotations

from typing import Any

from ..checks import check_default
from .errors import DecodeError, EncodeError
from .json import MAX_DEPTH, TOO_DEEP, Default, convert, with_text_keys
from .msgpack_extensions import ExtensionReader
from .packet import Decoder, Packet, PacketType, check_payload

try:
    import ormsgpack
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'the MessagePack parser needs ormsgpack: pip install "socketio-asgi[msgpack]"'
    ) from _error

_TYPES = {type_.value: type_ for type_ in PacketType if type_ <= PacketType.CONNECT_ERROR}

# As in JSON: numbers and dates are keys as well, and a lone surrogate does no harm.
_PACKING = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_REPLACE_SURROGATES
)

_UNPACKING = ormsgpack.OPT_NON_STR_KEYS


class MsgpackParser:
    """A parser that clients with ``socket.io-msgpack-parser`` understand.

    Args:
        default: Turns a value of one of your own types into one that MessagePack knows, or raises
            TypeError.

    Raises:
        TypeError: ``default`` is no plain function of one value.
    """

    def __init__(self, *, default: Default | None = None) -> None:
        check_default(default)
        self._default = default

    def encode(self, packet: Packet) -> list[str | bytes]:
        """Encode a packet as one binary message.

        Raises:
            EncodeError: A value has no MessagePack form.
        """
        fields: dict[str, Any] = {"type": int(packet.type), "nsp": packet.namespace}
        if packet.data is not None:
            fields["data"] = packet.data
        if packet.id is not None:
            fields["id"] = packet.id
        try:
            return [ormsgpack.packb(fields, self._convert, _PACKING)]
        except (TypeError, ValueError) as error:
            problem = str(error)
            if problem.startswith("Recursion limit"):
                problem = TOO_DEEP
            raise EncodeError(problem) from error

    def to_plain(self, value: Any) -> Any:
        """A value as a client gets it; see :meth:`.packet.PlainConverter.to_plain`."""
        try:
            packed = ormsgpack.packb(value, self._convert, _PACKING)
        except (TypeError, ValueError) as error:
            raise EncodeError(str(error)) from error
        try:
            return ormsgpack.unpackb(packed)
        except ValueError:  # a key that is not text
            plain = ormsgpack.unpackb(packed, option=ormsgpack.OPT_NON_STR_KEYS)
        try:
            return with_text_keys(plain)
        except RecursionError as error:
            raise EncodeError("the data is nested too deeply") from error

    def _convert(self, value: Any) -> Any:
        if isinstance(value, int):
            return float(value)  # beyond 64 bits: a number of JavaScript
        if self._default is not None and not isinstance(value, BaseException):
            try:
                return self._default(value)
            except TypeError:
                pass  # not one of the user's types: perhaps one of ours
        return convert(value)

    def decoder(self) -> Decoder:
        """A new decoder for one connection."""
        return MsgpackDecoder()


class MsgpackDecoder:
    """Decodes the messages of one connection; every message is a packet."""

    __slots__ = ()

    def add(self, data: str | bytes) -> Packet | None:
        """Take one message; see :meth:`.packet.Decoder.add`."""
        if isinstance(data, str):
            raise DecodeError("Socket.IO", "text came where MessagePack was expected")
        try:
            fields: Any = ormsgpack.unpackb(data, option=_UNPACKING)
        except (TypeError, ValueError):
            fields = _unpack_with_extensions(data)
        if len(data) > MAX_DEPTH:  # a level takes one byte
            _check_depth(fields)
        if not issubclass(type(fields), dict):
            raise DecodeError("Socket.IO", "a packet must be a map")
        return _read_packet(fields)

    def reset(self) -> None:
        """There is never a part of a packet that waits."""


def _read_packet(fields: dict[Any, Any]) -> Packet:
    type_, namespace, number = fields.get("type"), fields.get("nsp"), fields.get("id")
    # A bool is an int in Python: it must not pass as a number.
    if type(type_) is not int or type_ not in _TYPES:
        raise DecodeError("Socket.IO", "unknown packet type")
    if not isinstance(namespace, str):
        raise DecodeError("Socket.IO", "the namespace is not text")
    if number is not None and not (type(number) is int and number >= 0):
        raise DecodeError("Socket.IO", "the acknowledgement id is not a number")
    packet = Packet(_TYPES[type_], namespace, fields.get("data"), number)
    check_payload(packet.type, packet.data)
    if packet.type is PacketType.ACK and packet.id is None:
        raise DecodeError("Socket.IO", "an acknowledgement has no id")
    return packet


def _unpack_with_extensions(message: bytes) -> Any:
    reader = ExtensionReader(message)
    try:
        return ormsgpack.unpackb(message, ext_hook=reader.read, option=_UNPACKING)
    except (TypeError, ValueError) as error:
        raise DecodeError("Socket.IO", "the message is not valid MessagePack") from error


def _check_depth(fields: Any) -> None:
    """Check that what came in could go out; ormsgpack reads far more levels than it writes."""
    try:
        ormsgpack.packb(fields, None, _PACKING)
    except (TypeError, ValueError) as error:
        raise DecodeError("Socket.IO", "the payload is nested too deeply") from error
