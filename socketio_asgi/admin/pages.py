"""The pages of the official admin UI, served from the folder of its npm package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..checks import shown

INSTALL: Final = (
    "install it with 'npm install @socket.io/admin-ui' and name"
    " node_modules/@socket.io/admin-ui/ui/dist"
)

# The pages name icons and fonts of these hosts, and connect to whatever server one types.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src *; img-src 'self' data:; object-src 'none';"
    " style-src 'self' 'unsafe-inline' https://fonts.googleapis.com https://cdn.jsdelivr.net;"
    " font-src 'self' data: https://fonts.gstatic.com https://cdn.jsdelivr.net;"
    " base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)

_HEADERS: Final = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every answer: no other page may frame one in which an admin clicks on buttons."""

ONE_YEAR: Final = "public, max-age=31536000, immutable"
"""The caching of files that have a hash of their content in their names."""


class AdminPages(StaticFiles):
    """An ASGI application that serves the pages of the official admin UI.

    Args:
        folder: The folder of the pages, such as ``node_modules/@socket.io/admin-ui/ui/dist``.

    Raises:
        TypeError: The folder is neither text nor a path.
        ValueError: The pages are not there.

    Example:
        ```python
        app.mount("/admin-ui", AdminPages("node_modules/@socket.io/admin-ui/ui/dist"))
        ```

    Source: https://socket.io/docs/v4/admin-ui/#client-side
    """

    def __init__(self, folder: str | Path) -> None:
        if not isinstance(folder, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"AdminPages takes the folder of the admin UI, not {shown(folder)}")
        if not (Path(folder) / "index.html").is_file():
            raise ValueError(f"no admin UI in {str(folder)!r}; {INSTALL}")
        super().__init__(directory=folder, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The answer to a request for a file."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:  # nobody else may be there to answer it
            response = PlainTextResponse(error.detail, error.status_code)
        response.headers.update(_HEADERS)
        hashed = response.status_code < 400 and Path(path).parent.name in ("css", "img", "js")
        response.headers["cache-control"] = ONE_YEAR if hashed else "no-cache"
        return response
