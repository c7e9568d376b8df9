"""The reasons for which a server cannot be reached, in words."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import cast

_SEVERAL = re.compile(r"\[Errno (\d+)\]")
_NAME_ERRORS = frozenset(
    {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME), socket.EAI_FAIL}
)
_NO_TLS = frozenset(
    {"HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "WRONG_VERSION_NUMBER"}
)


def reason_of(error: BaseException) -> str:
    """The reason for a failure: what an error says, or one of those that have caused it."""
    found = list(_chain(error))
    for each in found:
        text = _known(each)
        if text:
            return text
    texts = [str(each) for each in reversed(found) if str(each)]
    return texts[0] if texts else type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those below it, the uppermost first."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        each = pending.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            pending.extend(cast("BaseExceptionGroup[BaseException]", each).exceptions)
        # (httpcore hides the context of its errors, which is where the errors of the system are.)
        pending += [each.__cause__, each.__context__]


def _known(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        if error.errno in _NAME_ERRORS:
            return "there is no host of that name"
        return f"its name cannot be looked up: {error.strerror}"
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    if isinstance(error, OSError):
        return _of_system(error)
    return ""


def _of_tls(error: ssl.SSLError) -> str:
    # Those that were not made by OpenSSL lack the details.
    if isinstance(error, ssl.SSLCertVerificationError):
        message: str = getattr(error, "verify_message", "") or str(error)
        return f"its certificate is not trusted: {message.rstrip('.')}"
    reason: str = getattr(error, "reason", "") or ""
    if reason in _NO_TLS:
        return "it does not speak TLS there"
    return f"TLS failed: {reason or error}"


def _of_system(error: OSError) -> str:
    # When all addresses of a host fail, asyncio puts the errors into one text.
    numbers = set(_SEVERAL.findall(str(error)))
    if error.errno is None and len(numbers) == 1:
        error = OSError(int(numbers.pop()), "")
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return "the connection was closed by the other side"
    number = cast("object", error.errno)
    return (error.strerror or os.strerror(number)) if isinstance(number, int) else ""
