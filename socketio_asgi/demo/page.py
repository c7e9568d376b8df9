"""The page of the chat: one HTML file, and the headers that go with it."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"

CDN = "https://cdn.socket.io"
# The CDN publishes the dist folder of the npm package, so the hash can be checked without it:
#   npm pack socket.io-client@4.8.3 && tar xf socket.io-client-4.8.3.tgz
#   openssl dgst -sha384 -binary package/dist/socket.io.min.js | openssl base64 -A
CDN_CLIENT = (
    f'<script defer src="{CDN}/4.8.3/socket.io.min.js" crossorigin="anonymous" integrity='
    '"sha384-kzavj5fiMwLKzzD1f8S7TeoVIEi7uKHvbTA3ueZkrzYq75pNQUiUi6Dy98Q3fxb0"></script>'
)
LOCAL_CLIENT = '<script defer src="/socket.io/socket.io.min.js"></script>'


def make_page(*, local_client: bool) -> tuple[str, dict[str, str]]:
    """Return the page and its headers, which let no script run but its own and the client.

    Args:
        local_client: whether the server has the JavaScript client; else it comes from the
            official CDN.
    """
    scripts = "'self'" if local_client else f"'self' {CDN}"
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    client = LOCAL_CLIENT if local_client else CDN_CLIENT
    html = (STATIC / "index.html").read_text("utf-8").replace("<!-- client -->", client)
    return html, {"content-security-policy": policy, "x-content-type-options": "nosniff"}
