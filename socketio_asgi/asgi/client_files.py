"""The files of the JavaScript client, served beside the connection endpoint.

Source: https://socket.io/docs/v4/server-options/#serveclient
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from starlette.types import Scope, Send

from ..checks import shown
from ..engine.http.request import EngineRequest
from ..engine.http.response import best_encoding
from ..engine.options import EngineOptions
from ..websocket.headers import Header

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
        folder: The folder of the files.
        options: The engine's options, for the pages that may load them and for compression.

    Raises:
        TypeError: The folder is neither text nor a path.
        ValueError: None of them is there.
    """

    def __init__(self, folder: str | Path, options: EngineOptions) -> None:
        if not isinstance(folder, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                "serve_client must be the folder of the client, such as"
                f" 'node_modules/socket.io-client/dist', or None; not {shown(folder)}"
            )
        self._folder = Path(folder)
        self._options = options
        if not any((self._folder / name).is_file() for name in CLIENT_FILES):
            raise ValueError(
                f"serve_client: no socket.io client in {str(self._folder)!r}; install it with"
                " 'npm install socket.io-client' and name node_modules/socket.io-client/dist"
            )

    def has(self, name: str) -> bool:
        """True when a name is one of the client's files, and there."""
        return name in CLIENT_FILES and (self._folder / name).is_file()

    async def serve(self, name: str, scope: Scope, send: Send) -> None:
        """Answer a request for a file for which :meth:`has` is true."""
        request = EngineRequest(scope)
        headers = self._options.origin_policy.response_headers(request, request.origin)
        if request.method not in ("GET", "HEAD"):
            return await _send(send, 405, [*headers, (b"allow", b"GET, HEAD")])
        body, encoding = self._read(name, request)
        etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
        headers += [
            (b"content-type", CLIENT_FILES[name]),
            (b"cache-control", b"public, max-age=0"),
            (b"etag", etag),
            (b"vary", b"Accept-Encoding"),
            *encoding,
        ]
        if _matches(request, etag):
            return await _send(send, 304, headers)
        headers.append((b"content-length", b"%d" % len(body)))
        await _send(send, 200, headers, b"" if request.method == "HEAD" else body)

    def _read(self, name: str, request: EngineRequest) -> tuple[bytes, list[Header]]:
        """The content of a file, and the headers that tell its encoding."""
        content = (self._folder / name).read_bytes()
        encoding = best_encoding(request.header(b"accept-encoding") or "", ("gzip",))
        if self._options.compression_threshold is None or encoding is None:
            return content, []
        return _compress(content), [(b"content-encoding", b"gzip")]


@lru_cache(maxsize=len(CLIENT_FILES))
def _compress(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _matches(request: EngineRequest, etag: bytes) -> bool:
    asked = request.header(b"if-none-match")
    if asked is None:
        return False
    candidates = [item.strip().removeprefix("W/") for item in asked.split(",")]
    return etag.decode() in candidates or "*" in candidates


async def _send(send: Send, status: int, headers: list[Header], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
