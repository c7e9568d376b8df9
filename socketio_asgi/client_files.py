"""The files of the JavaScript client, served beside the connection endpoint.

Source: https://socket.io/docs/v4/server-options/#serveclient
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from starlette.types import Scope, Send

_JAVASCRIPT = b"application/javascript; charset=utf-8"
_JSON = b"application/json; charset=utf-8"

_NAMES = ("socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js", "socket.io.esm.min.js")
CLIENT_FILES: Mapping[str, bytes] = {
    **dict.fromkeys(_NAMES, _JAVASCRIPT),
    **dict.fromkeys((f"{name}.map" for name in _NAMES), _JSON),
}
"""The files that may be asked for, and their content types; no other name reaches the disk."""


class ClientFiles:
    """Serves the client from a folder, such as ``node_modules/socket.io-client/dist``.

    Args:
        folder: Where the files are.

    Raises:
        ValueError: None of them is there.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        if not any((self._folder / name).is_file() for name in CLIENT_FILES):
            raise ValueError(
                f"serve_client: no socket.io client in {str(self._folder)!r}; install it with"
                " 'npm install socket.io-client' and name node_modules/socket.io-client/dist"
            )

    def has(self, name: str) -> bool:
        """Whether a name is one of the client's files, and there."""
        return name in CLIENT_FILES and (self._folder / name).is_file()

    async def serve(self, name: str, scope: Scope, send: Send) -> None:
        """Answer a request for a file for which :meth:`has` is true."""
        body = (self._folder / name).read_bytes()
        etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
        headers = [
            (b"content-type", CLIENT_FILES[name]),
            (b"cache-control", b"public, max-age=0"),
            (b"etag", etag),
        ]
        method: str = scope["method"]
        if method not in ("GET", "HEAD"):
            return await _send(send, 405, [(b"allow", b"GET, HEAD")])
        if _matches(scope, etag):
            return await _send(send, 304, headers)
        headers.append((b"content-length", b"%d" % len(body)))
        await _send(send, 200, headers, b"" if method == "HEAD" else body)


def _matches(scope: Scope, etag: bytes) -> bool:
    for key, value in scope["headers"]:
        if key == b"if-none-match":
            candidates = [item.strip().removeprefix(b"W/") for item in bytes(value).split(b",")]
            return etag in candidates or b"*" in candidates
    return False


async def _send(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
