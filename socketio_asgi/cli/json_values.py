"""Values in JSON on a command line."""

from __future__ import annotations

import json
from typing import Any

import click


def from_json(what: str, text: str) -> Any:
    """A value of the command line.

    Args:
        what: The name of the option or the argument.
        text: The JSON.

    Raises:
        click.UsageError: It is none.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(
            f"{what} is no JSON: {text!r} ({error}); text is '\"...\"'"
        ) from error
