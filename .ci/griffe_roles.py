"""An extension of griffe: roles such as ``:class:`Name``` become what Markdown understands."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|meth|func|attr|data|mod|exc):`~?(?P<target>[^`]+)`")


class Roles(griffe.Extension):
    """Rewrites the docstrings before they are rendered."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(_as_code, obj.docstring.value)


def _as_code(match: re.Match[str]) -> str:
    return f"`{match['target'].lstrip('.').removeprefix('socketio_asgi.')}`"
