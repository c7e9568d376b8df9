"""The clients of google-cloud-pubsub, and what its errors mean."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from ...exceptions import NotRetryable
from .source import PubSubSource

KEEPALIVE_MILLISECONDS = 30_000
"""The time after which an idle connection is asked whether it is alive."""

MAX_BACKOFF_MILLISECONDS = 2000
"""The longest time between two attempts to connect; gRPC would wait two minutes in the end."""

_CHANNEL_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", MAX_BACKOFF_MILLISECONDS),
]

_PERMANENT = ("PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT", "UNIMPLEMENTED")
"""The codes of errors that stay the same however often one tries.

Source: https://cloud.google.com/pubsub/docs/reference/error-codes
"""

_PASSING = ("ABORTED", "CANCELLED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNKNOWN")
"""The codes of errors after which the same request may succeed.

Source: the retry settings of https://github.com/googleapis/googleapis/blob/master/google/pubsub/v1
"""


def library(module: str = "google.pubsub_v1") -> Any:
    """A module of google-cloud-pubsub.

    Raises:
        NotRetryable: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise NotRetryable(
            'Google Cloud Pub/Sub needs google-cloud-pubsub: pip install "socketio-asgi[gcp]"'
        ) from error


def make_client(source: PubSubSource, kind: str, *, asynchronous: bool) -> Any:
    """A generated client.

    Args:
        source: The way to the topic.
        kind: ``Publisher`` or ``Subscriber``.
        asynchronous: Whether it belongs to the event loop that runs.

    Raises:
        NotRetryable: The library is missing, or there are no credentials.
    """
    name = f"{kind}{'Async' if asynchronous else ''}Client"
    client = getattr(library(), name)
    transport = client.get_transport_class("grpc_asyncio" if asynchronous else "grpc")
    if source.emulator is not None:
        grpc = library("grpc.aio") if asynchronous else library("grpc")
        channel = grpc.insecure_channel(source.emulator, options=_CHANNEL_OPTIONS)
        return client(transport=transport(channel=channel))

    def open_channel(host: str, **options: Any) -> Any:
        return transport.create_channel(host, **{**options, "options": _CHANNEL_OPTIONS})

    options = {} if source.endpoint is None else {"api_endpoint": source.endpoint}
    try:
        return client(
            credentials=source.credentials,
            client_options=options,
            transport=partial(transport, channel=open_channel),
        )
    except library("google.auth.exceptions").DefaultCredentialsError as error:
        raise NotRetryable(f"Google Cloud Pub/Sub: {error}") from error


def code_of(error: BaseException) -> str:
    """The code of gRPC that an error has; empty for others."""
    code = getattr(error, "grpc_status_code", None)
    name = getattr(code, "name", None)
    return name if isinstance(name, str) else ""


def failure(error: Exception) -> Exception:
    """The error of the library as one of ours.

    A ConnectionError when it makes sense to try at once, a TimeoutError when Pub/Sub does not
    answer, a NotRetryable when it makes no sense to try.
    """
    code = code_of(error)
    text = f"Google Cloud Pub/Sub: {getattr(error, 'message', None) or str(error) or repr(error)}"
    if code in _PERMANENT:
        return NotRetryable(f"{text} ({code})")
    if code == "DEADLINE_EXCEEDED" or "RetryError" in type(error).__name__:
        return TimeoutError(text)
    if isinstance(error, _credential_errors()):
        return ConnectionError(text) if getattr(error, "retryable", False) else NotRetryable(text)
    return ConnectionError(text) if code in _PASSING else error


def _credential_errors() -> type[Exception]:
    found: type[Exception] = library("google.auth.exceptions").GoogleAuthError
    return found
