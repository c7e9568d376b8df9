"""The parts of aiokafka that are used, and its errors.

The package is imported when a connection is opened, and not before. It has no types.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...exceptions import NotRetryable

REFUSED = (
    "AuthenticationFailedError",
    "AuthenticationMethodNotSupported",
    "ClusterAuthorizationFailedError",
    "SaslAuthenticationFailed",
    "TopicAuthorizationFailedError",
    "UnsupportedSaslMechanismError",
)
"""The errors of aiokafka that no other attempt avoids."""


class TooLarge(ValueError):
    """Kafka does not take a record of that size."""


def aiokafka(module: str = "") -> Any:
    """The package, or one of its modules.

    Args:
        module: The name of the module; empty for the package.

    Raises:
        NotRetryable: The package is missing.
    """
    try:
        return import_module(f"aiokafka.{module}" if module else "aiokafka")
    except ImportError as error:
        raise NotRetryable(
            'Kafka needs the package aiokafka: pip install "socketio-asgi[kafka]"'
        ) from error


def made(kind: Any, **settings: Any) -> Any:
    """A client of aiokafka.

    Args:
        kind: Its class.
        settings: Its options.

    Raises:
        NotRetryable: The options are wrong.
    """
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise NotRetryable(f"the options of the Kafka connection are wrong: {error}") from error


def explained(error: Exception) -> Exception:
    """The error that tells what to do about a failure."""
    detail = described(error)
    if isinstance(error, NotRetryable | TooLarge) or type(error) is ConnectionError:
        return error
    if type(error).__name__ in REFUSED:
        return NotRetryable(f"Kafka refuses the credentials, or the user has no right: {detail}")
    if type(error).__name__ in {"MessageSizeTooLargeError", "RecordTooLargeError"}:
        return TooLarge(detail)
    return ConnectionError(f"Kafka cannot be reached: {detail}")


def described(error: BaseException) -> str:
    """The text of an error."""
    return str(error) or type(error).__name__
