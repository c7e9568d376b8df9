"""The clients of azure-servicebus, and what its errors mean."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...exceptions import NotRetryable
from .source import ServiceBusSource, is_emulator

_PERMANENT = {
    "ClientAuthenticationError",
    "ServiceBusAuthenticationError",
    "ServiceBusAuthorizationError",
}

_REFUSED_STATUS = {400, 401, 403}
"""The status of answers of the administration that stay the same however often one tries.

Source: https://learn.microsoft.com/rest/api/servicebus/service-bus-runtime-rest
"""


def library(module: str = "azure.servicebus.aio") -> Any:
    """A module of azure-servicebus.

    Raises:
        NotRetryable: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise NotRetryable(
            f"Azure Service Bus needs {(error.name or module).partition('.')[0]}:"
            ' pip install "socketio-asgi[azure]"'
        ) from error


def make_client(source: ServiceBusSource, *, asynchronous: bool) -> Any:
    """A client for messages; it does not try again by itself.

    Raises:
        NotRetryable: The library is missing, or does not take the connection string.
    """
    client = library("azure.servicebus.aio" if asynchronous else "azure.servicebus")
    retries = {"retry_total": 0}
    if source.connection is None:
        return client.ServiceBusClient(source.host, source.credential, **retries)
    try:
        return client.ServiceBusClient.from_connection_string(source.connection, **retries)
    except ValueError as error:
        raise NotRetryable(f"azure-servicebus does not take the connection: {error}") from error


def make_administration(source: ServiceBusSource) -> Any:
    """A client for topics and subscriptions.

    Raises:
        NotRetryable: The library is missing.
    """
    client = library("azure.servicebus.aio.management").ServiceBusAdministrationClient
    connection = source.administration or source.connection
    if connection is None:
        return client(source.host, source.credential, retry_total=0)
    options: dict[str, Any] = {"retry_total": 0}
    if is_emulator(connection):
        options["transport"] = _transport_without_tls()
    return client.from_connection_string(connection, **options)


def _transport_without_tls() -> Any:
    """The library asks every host over TLS, which an emulator does not have."""
    transport = library("azure.core.pipeline.transport").AioHttpTransport()
    send = transport.send

    async def send_without(request: Any, **options: Any) -> Any:
        request.url = request.url.replace("https://", "http://", 1)
        return await send(request, **options)

    transport.send = send_without
    return transport


def failure(error: Exception) -> Exception:
    """The error of the library as one of ours.

    A NotRetryable when it makes no sense to try again, a LookupError when a topic or a subscription
    is missing, and otherwise a ConnectionError.
    """
    kinds = {cls.__name__ for cls in type(error).__mro__}
    text = f"Azure Service Bus: {str(error) or repr(error)}"
    if kinds & {"MessagingEntityNotFoundError", "ResourceNotFoundError"}:
        return LookupError(text)
    if kinds & _PERMANENT or getattr(error, "status_code", None) in _REFUSED_STATUS:
        return NotRetryable(text)
    return ConnectionError(text)


def exists_already(error: Exception) -> bool:
    """True if something was to be made that is there."""
    return any(cls.__name__ == "ResourceExistsError" for cls in type(error).__mro__)


def is_too_large(error: Exception) -> bool:
    """True if a message was larger than this Service Bus takes."""
    return any(cls.__name__ == "MessageSizeExceededError" for cls in type(error).__mro__)
