"""What a thing to do is, and what is said of one that is none, as by the official server.

That validates with the library joi. These are its rules, with its names and sentences.
"""

from __future__ import annotations

import re
from typing import Annotated, LiteralString, Never

from pydantic import BaseModel, BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

MAX_TITLE = 256  # UTF-16 code units, as JavaScript counts
UUID4 = re.compile(
    r"[0-9A-F]{8}([:-]?)[0-9A-F]{4}\1?4[0-9A-F]{3}\1?[89AB][0-9A-F]{3}\1?[0-9A-F]{12}",
    re.IGNORECASE | re.ASCII,
)
BRACKETS = {"[": "]", "{": "}", "(": ")"}


def fail(type: LiteralString, info: ValidationInfo, what: str) -> Never:
    raise PydanticCustomError(type, '"{name}" {what}', {"name": info.field_name, "what": what})


def check_text(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str):
        fail("string.base", info, "must be a string")
    if value == "":
        fail("string.empty", info, "is not allowed to be empty")
    return value


def check_title(value: object, info: ValidationInfo) -> str:
    title = check_text(value, info)
    if len(title.encode("utf-16-le", "surrogatepass")) > 2 * MAX_TITLE:
        length = f"length must be less than or equal to {MAX_TITLE} characters long"
        fail("string.max", info, length)
    return title


def check_id(value: object, info: ValidationInfo) -> str:
    text = check_text(value, info)
    within = text[1:-1] if BRACKETS.get(text[0]) == text[-1] else text
    if UUID4.fullmatch(within) is None:
        fail("string.guid", info, "must be a valid GUID")
    return text


def check_completed(value: object, info: ValidationInfo) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):
        fail("boolean.base", info, "must be a boolean")
    return value


def refuse(_value: object, info: ValidationInfo) -> Never:
    fail("any.unknown", info, "is not allowed")


class Draft(BaseModel):
    """A thing to do that is to be created."""

    id: Annotated[None, BeforeValidator(refuse)] = None
    title: Annotated[str, BeforeValidator(check_title)]
    completed: Annotated[bool, BeforeValidator(check_completed)]


class Todo(BaseModel):
    """A thing to do."""

    id: Annotated[str, BeforeValidator(check_id)]
    title: Annotated[str, BeforeValidator(check_title)]
    completed: Annotated[bool, BeforeValidator(check_completed)]
