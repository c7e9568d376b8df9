"""The namespace of the admin UI, which is none of the application."""

from __future__ import annotations

from typing import ClassVar

from ..checks import check_text
from ..protocol.names import normalize_name
from ..server.namespace import Namespace, furnish
from ..server.namespace_core import NamespaceCore


class _AdminCore(NamespaceCore):
    apart: ClassVar[bool] = True

    __slots__ = ()


class AdminNamespace(Namespace):
    """The namespace of the admin UI.

    Args:
        name: Its name.

    Raises:
        TypeError: The name is not text.
        ValueError: It is the one of the main namespace.
    """

    def __init__(self, name: str) -> None:
        check_text("namespace_name", name)
        name = normalize_name(name)
        if name == "/":
            raise ValueError(
                'namespace_name must not be "/": the clients of the application are there'
            )
        furnish(self, _AdminCore(name, ordered=False, public=self))
