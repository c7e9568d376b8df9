"""The hosts that requests may name: the defence against DNS rebinding.

A page of another site may have its own name resolve to the address of this server. For browsers,
and by ``Origin`` and ``Host``, it is a page of this server then: only its name tells.

Source: RFC 9112, section 3.2 for the header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...checks import check_texts, shown
from .request import EngineRequest

_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d*)?")
_PATTERN = re.compile(r"(?:\*?\.)?[a-z0-9_-][a-z0-9._-]*|\[[0-9a-f:.]+\]|\*")


def as_hosts(option: Sequence[str] | None) -> tuple[str, ...] | None:
    """The patterns of hosts that requests may name; None permits all.

    Raises:
        TypeError: The option is no list of texts.
        ValueError: It is empty, or a text in it is neither a host nor a pattern.
    """
    if option is None:
        return None
    hosts = check_texts("allowed_hosts", option, '["example.com", "*.example.com"]')
    if not hosts:
        raise ValueError("allowed_hosts must name a host; None permits all")
    patterns = tuple(host.lower().rstrip(".") for host in hosts)
    for host, pattern in zip(hosts, patterns, strict=True):
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(
                "allowed_hosts takes names without scheme and port, such as 'example.com',"
                f" '*.example.com' or '*', not {shown(host)}"
            )
    return patterns


def names_allowed_host(request: EngineRequest, patterns: tuple[str, ...] | None) -> bool:
    """True when a request names one host, and that is allowed, whatever the port."""
    if patterns is None:
        return True
    named = [value for name, value in request.scope["headers"] if name == b"host"]
    host = _HOST.fullmatch(named[0].decode("latin-1").lower()) if len(named) == 1 else None
    return host is not None and any(
        _matches(host["name"].rstrip("."), pattern) for pattern in patterns
    )


def _matches(name: str, pattern: str) -> bool:
    """Whether a pattern covers a name: ``*.`` any below it, a dot alone itself as well."""
    if pattern == "*":
        return True
    if pattern.startswith("."):  # as in Django
        return name == pattern[1:] or name.endswith(pattern)
    if pattern.startswith("*"):  # as in Starlette
        return name.endswith(pattern[1:])
    return name == pattern
