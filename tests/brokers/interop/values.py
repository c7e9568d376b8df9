"""Values on their way to Node and back, those included that JSON does not know."""

from __future__ import annotations

import base64
import math
from datetime import datetime
from typing import Any, Final


class Undefined:
    """The value ``undefined`` of JavaScript."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


def pack(value: Any) -> Any:
    """Turn a value into what JSON knows; see ``remote.mjs``."""
    match value:
        case Undefined():
            return {"$": "undefined"}
        case float() if math.isnan(value):
            return {"$": "number", "value": "NaN"}
        case float() if math.isinf(value):
            return {"$": "number", "value": "Infinity" if value > 0 else "-Infinity"}
        case bytes():
            return {"$": "bytes", "value": base64.b64encode(value).decode()}
        case datetime():
            return {"$": "date", "value": value.isoformat()}
        case list() | tuple():
            return [pack(item) for item in value]
        case dict():
            return {key: pack(item) for key, item in value.items()}
        case _:
            return value


def unpack(value: Any) -> Any:
    """Turn what came from JSON back into the value."""
    match value:
        case {"$": "undefined"}:
            return UNDEFINED
        case {"$": "number", "value": text}:
            return float(text)
        case {"$": "bigint", "value": text}:
            return int(text)
        case {"$": "bytes", "value": text}:
            return base64.b64decode(text)
        case {"$": "date", "value": text}:
            return datetime.fromisoformat(text)
        case list():
            return [unpack(item) for item in value]
        case dict():
            return {key: unpack(item) for key, item in value.items()}
        case _:
            return value
