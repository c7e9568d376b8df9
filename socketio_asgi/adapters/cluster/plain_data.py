"""The data of sockets, as far as other servers can be told of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from ...runtime.log_limit import may_log_fault

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

Plain = Callable[[Any], Any]
"""Makes plain types of a value; None of one that cannot be represented."""


def plain_data(sid: str, data: Any, plain: Plain) -> Any:
    """The data of a socket as other servers are told of them.

    Of a dict, what cannot be represented is left out; the log names it.

    Args:
        sid: The id of the socket.
        data: Its data.
        plain: Makes plain types.
    """
    whole = plain(data)
    if whole is not None or data is None:
        return whole
    if not isinstance(data, Mapping):
        _tell(sid, f"they are a {type(data).__name__}")
        return None
    items: Mapping[Any, Any] = cast("Any", data)
    kept = {key: value for key in items if (value := plain({key: items[key]})) is not None}
    left_out = [f"{key!r} is a {type(items[key]).__name__}" for key in items if key not in kept]
    _tell(sid, ", ".join(left_out))
    return {key: value for item in kept.values() for key, value in item.items()}


def _tell(sid: str, what: str) -> None:
    if may_log_fault(f"data of sockets: {what}"):
        logger.warning(
            "the data of the socket %s cannot be told to other servers as they are: %s; that is"
            " left out there",
            sid,
            what,
        )
