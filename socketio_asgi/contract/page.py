"""A page that shows a contract: HTML without scripts, and without a request to another host."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from .description import Description, EventDescription, NamespaceDescription
from .typescript import EventTypes

_STYLE = """
:root { color-scheme: light dark; --soft: light-dark(#f4f4f8, #24242b);
  --line: light-dark(#ddd, #444); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 small { font-weight: normal; opacity: .7; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
section.event { margin: 1.25rem 0; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px;
  padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap; }
h4 { margin: 0 0 .3rem; }
p { margin: .3rem 0; white-space: pre-line; }
""".strip()

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; style-src"
    f" 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
"""The Content-Security-Policy of the page: it loads nothing."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title} <small>{version}</small></h1>
<p>Clients connect with Socket.IO at <code>{path}</code>.
For programs: <a href="contract.ts">TypeScript</a>, <a href="asyncapi.json">AsyncAPI</a>.</p>
{body}</body>
</html>
"""


def page(description: Description, types: EventTypes) -> str:
    """The page as HTML."""
    parts = [part for each in description.namespaces for part in _namespace(each, types)]
    definitions = list(types.definitions())
    if definitions:
        parts.append("<h2>Types</h2>\n")
        parts.extend(_code(text) for text in definitions)
    return _PAGE.format(
        title=escape(description.title),
        version=escape(description.version),
        path=escape(description.path),
        style=_STYLE,
        body="".join(parts),
    )


def _namespace(namespace: NamespaceDescription, types: EventTypes) -> Iterator[str]:
    what = "Namespaces" if namespace.dynamic else "Namespace"
    yield f"<h2>{what} <code>{escape(namespace.name)}</code></h2>\n"
    yield _paragraph(namespace.text)
    for title, events, received in (
        ("Clients send", namespace.receives, True),
        ("Clients get", namespace.sends, False),
    ):
        if events:
            yield f"<h3>{title}</h3>\n"
            yield from (_event(event, types, received=received) for event in events)


def _event(event: EventDescription, types: EventTypes, *, received: bool) -> str:
    try:
        signature = types.event(event, "input" if received else "output")
    except TypeError as error:  # it has no type in TypeScript, and is documented nevertheless
        signature = str(error)
    return (
        f'<section class="event"><h4><code>{escape(event.name)}</code></h4>\n'
        f"{_paragraph(event.text)}{_code(signature)}</section>\n"
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>\n" if text else ""


def _code(text: str) -> str:
    return f"<pre>{escape(text)}</pre>\n"
