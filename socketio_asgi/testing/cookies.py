"""The cookies of a client in a test: one application, and so one host."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from email.utils import parsedate_to_datetime

from ..websocket.headers import Header


class CookieJar(MutableMapping[str, str]):
    """Cookies by name, as they are sent; those that the application sets are kept.

    Args:
        cookies: Those of the beginning, for all paths.
    """

    def __init__(self, cookies: Mapping[str, str]) -> None:
        self._cookies: dict[str, tuple[str, str]] = {
            name: (value, "/") for name, value in cookies.items()
        }

    def __getitem__(self, name: str) -> str:
        return self._cookies[name][0]

    def __setitem__(self, name: str, value: str) -> None:
        self._cookies[name] = (value, "/")

    def __delitem__(self, name: str) -> None:
        del self._cookies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cookies)

    def __len__(self) -> int:
        return len(self._cookies)

    def __repr__(self) -> str:
        return f"<CookieJar {dict(self)}>"

    def header(self, path: str) -> str:
        """The header ``Cookie`` of a request; empty when it has none."""
        return "; ".join(
            f"{name}={value}"
            for name, (value, prefix) in self._cookies.items()
            if _is_below(path, prefix)
        )

    def store(self, headers: Iterable[Header], path: str) -> None:
        """Keep, or forget, what the headers of a response say.

        Args:
            headers: All headers.
            path: The path of the request.
        """
        for name, value in headers:
            if name.lower() == b"set-cookie":
                self._store(value.decode("latin-1"), path)

    def _store(self, text: str, path: str) -> None:
        pair, *attributes = text.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        options = {
            key.strip().lower(): content.strip()
            for key, _, content in (attribute.partition("=") for attribute in attributes)
        }
        if _has_expired(options):
            self._cookies.pop(name, None)
        else:
            prefix = options.get("path") or path.rpartition("/")[0]
            self._cookies[name] = (value, prefix if prefix.startswith("/") else "/")


def _is_below(path: str, prefix: str) -> bool:
    """True if a cookie of that path goes with a request (RFC 6265, section 5.1.4)."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _has_expired(options: Mapping[str, str]) -> bool:
    if "max-age" in options:
        try:
            return int(options["max-age"]) <= 0
        except ValueError:
            return False
    if "expires" in options:
        try:
            return parsedate_to_datetime(options["expires"]).timestamp() <= time.time()
        except ValueError:
            return False
    return False
