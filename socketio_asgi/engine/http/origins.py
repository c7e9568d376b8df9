"""The rules by which an application names origins: checked when they are given, and then compared.

An origin is a scheme, a host, and a port unless it is the usual one; browsers send it in lower case
and without a slash. Source: RFC 6454, section 6.2.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from ...checks import is_list, shown
from ...runtime.callables import check_takes, is_async, locate
from ...runtime.log_limit import may_log_fault
from .request import DEFAULT_PORTS

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

OriginRule = str | re.Pattern[str]
OriginPolicy = OriginRule | Sequence[OriginRule] | Callable[[str], bool]
"""``"*"``, an origin such as ``"https://example.com"``, a regular expression that has to match the
whole origin, a list of those, or a function that is given the origin and decides."""

_FORMS = (
    'an origin such as "https://example.com", "*", a compiled regular expression, a list of those,'
    " a function that is given the origin, or Cors(...)"
)
_WEB_ORIGIN = re.compile(r"https?://(?:[^/:?#@\[\]]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@]*/?", re.IGNORECASE)


def checked_policy(origins: Any) -> OriginPolicy:
    """The rules, in the form in which they are compared.

    Raises:
        TypeError: They are of no kind that could be compared with an origin.
        ValueError: A text is no origin.
    """
    if isinstance(origins, str | re.Pattern):
        return _checked_rule(origins)
    if is_list(origins):
        return tuple(_checked_rule(rule) for rule in origins)
    if isinstance(origins, type) or not callable(origins):
        raise TypeError(f"cors must be {_FORMS}; not {shown(origins)}")
    if is_async(origins):
        raise TypeError("the cors function must be a plain one; allow_request may be asynchronous")
    check_takes(origins, 1, "the cors function is given the origin")
    return cast("Callable[[str], bool]", origins)


def _checked_rule(rule: Any) -> OriginRule:
    if isinstance(rule, str):
        return rule if rule in ("*", "null") else _checked_origin(rule)
    if not isinstance(rule, re.Pattern) or not isinstance(cast("Any", rule).pattern, str):
        raise TypeError(f"cors must be {_FORMS}; not {shown(cast('object', rule))}")
    return cast("re.Pattern[str]", rule)


def _checked_origin(text: str) -> str:
    """An origin as browsers send it.

    Raises:
        ValueError: It is none, and no page would ever match it.
    """
    problem = _problem(text)
    if problem:
        raise ValueError(f"cors: {shown(text)} is no origin: {problem}")
    origin = text.removesuffix("/") if not text.endswith("://") else text
    scheme = origin.partition("://")[0].lower()
    if scheme not in ("http", "https"):
        return origin
    web = _WEB_ORIGIN.fullmatch(origin.lower())
    if web is None:
        raise ValueError(f"cors: {shown(text)} is no origin: write a host, and a port if needed")
    usual = web["port"] == DEFAULT_PORTS[scheme]
    return web[0].rpartition(":")[0] if usual else web[0]


def _problem(text: str) -> str | None:
    """The fault in the form of an origin; None when there is none."""
    if re.search(r"[\s,]", text.strip()):
        return 'several are a list, cors=["https://example.com", "https://example.org"]'
    if text != text.strip():
        return "there is white space around it"
    if "*" in text:
        return 'a pattern is a regular expression, re.compile(r"https://.*\\.example\\.com")'
    if not text.isascii():
        return "browsers send the ASCII form of the host, which begins with xn--"
    if "://" not in text:
        return f'it begins with the scheme, "https://{text or "example.com"}"'
    if text.lower().startswith(("ws:", "wss:")):
        return f'it is that of the page, "http{text[2:]}"'
    if not _ORIGIN.fullmatch(text):
        return 'it ends with the host or the port, "https://example.com"'
    return None


def lists(origins: OriginPolicy, origin: str) -> bool:
    """True when an origin is one of those that the rules name."""
    if isinstance(origins, str | re.Pattern):
        return _matches(origins, origin)
    if callable(origins):
        return _ask(origins, origin)
    return any(_matches(rule, origin) for rule in origins)


def _matches(rule: OriginRule, origin: str) -> bool:
    if isinstance(rule, str):
        return rule in ("*", origin)
    return rule.fullmatch(origin) is not None


def _ask(function: Callable[[str], Any], origin: str) -> bool:
    try:
        allowed = function(origin)
    except Exception as error:
        if may_log_fault(locate(function), error):
            logger.exception("the cors function raised; the origin is refused")
        return False
    if inspect.isawaitable(allowed):  # which would be true for every origin
        if inspect.iscoroutine(allowed):
            allowed.close()
        if may_log_fault(locate(function)):
            logger.error(
                "the cors function is asynchronous, which it must not be; origins are refused"
            )
        return False
    return bool(allowed)
