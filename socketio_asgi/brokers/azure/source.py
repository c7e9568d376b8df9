"""The topic that an application names, and the way to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...checks import shown

ADMINISTRATION_PORT = 5300
"""The port where Microsoft's emulator is administered.

Source: https://learn.microsoft.com/azure/service-bus-messaging/overview-emulator
"""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/~-]{0,258}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?")

MAX_PREFIX_LENGTH = 33
"""The longest beginning of the name of a subscription, which has 50 characters at the most."""

_FORMS = (
    "a connection string such as 'Endpoint=sb://NAMESPACE.servicebus.windows.net/;"
    "SharedAccessKeyName=...;SharedAccessKey=...', or 'NAMESPACE.servicebus.windows.net' with"
    " credential="
)


@dataclass(frozen=True, slots=True)
class ServiceBusSource:
    """The way to a topic.

    Attributes:
        topic: The name of the topic.
        connection: The connection string; None with a host or clients.
        host: The host of the Service Bus; None with a connection string or clients.
        credential: A credential of azure-identity, for the host.
        client: A client of the application.
        administration: An administration client of the application, or a connection string for
            the administration; None for the same one.
    """

    topic: str
    connection: str | None = None
    host: str | None = None
    credential: Any = None
    client: Any = None
    administration: Any = None


def source_of(
    connection: object,
    topic: object,
    *,
    credential: object,
    client: object = None,
    administration: object = None,
) -> ServiceBusSource:
    """The way to a topic.

    Args:
        connection: A connection string, or a host.
        topic: The name of the topic.
        credential: A credential of azure-identity, for a host.
        client: A client of the application.
        administration: An administration client of the application, or a connection string for
            the administration.

    Raises:
        TypeError: A value is of another kind, or does not go together with another.
        ValueError: A value makes no sense.
    """
    check_name("topic", topic, 260)
    name = str(topic)
    if client is not None:
        if connection is not None or credential is not None:
            raise TypeError("the client of the application has its own connection and credential")
        return ServiceBusSource(name, client=client, administration=administration)
    if connection is None:
        raise ValueError(f"the Service Bus is missing: give it as {_FORMS}")
    if not isinstance(connection, str):
        raise TypeError(f"the Service Bus is given as {_FORMS}, not {shown(connection)}")
    if "=" in connection:
        settings = _settings(connection)
        if credential is not None:
            raise TypeError("a connection string has its own key: credential= is for a host")
        if administration is None and _is_emulator(settings):
            administration = _administration_of(connection, settings["endpoint"])
        return ServiceBusSource(name, connection=connection, administration=administration)
    if not _HOST.fullmatch(connection):
        raise ValueError(f"the Service Bus is given as {_FORMS}, not {shown(connection)}")
    if not hasattr(credential, "get_token"):
        raise TypeError(
            "a host needs credential=, such as azure.identity.aio.DefaultAzureCredential(), not"
            f" {shown(credential)}"
        )
    return ServiceBusSource(
        name, host=connection, credential=credential, administration=administration
    )


def _settings(connection: str) -> dict[str, str]:
    """The parts of a connection string, which has a secret: errors do not show it."""
    parts = [part.split("=", 1) for part in connection.strip().rstrip(";").split(";")]
    settings = {part[0].strip().lower(): part[1] for part in parts if len(part) == 2}
    signed = "sharedaccesssignature" in settings
    keyed = {"sharedaccesskeyname", "sharedaccesskey"} <= settings.keys()
    if len(settings) != len(parts) or "endpoint" not in settings or not (signed or keyed):
        raise ValueError(f"the connection string is incomplete; it is {_FORMS}")
    if not settings["endpoint"].startswith("sb://"):
        raise ValueError("the endpoint of a connection string begins with sb://")
    return settings


def _is_emulator(settings: dict[str, str]) -> bool:
    return settings.get("usedevelopmentemulator") == "true"


def is_emulator(connection: str) -> bool:
    """True if a connection string is that of an emulator, which knows no TLS."""
    return _is_emulator(_settings(connection))


def _administration_of(connection: str, endpoint: str) -> str:
    host = endpoint.rstrip("/").removeprefix("sb://").partition(":")[0]
    return connection.replace(endpoint, f"sb://{host}:{ADMINISTRATION_PORT}")


def check_client(kind: str, value: object) -> object:
    """Check a client of the application.

    Args:
        kind: Its class, within ``azure.servicebus``.
        value: The client; None for none.

    Raises:
        TypeError: It is another one.
    """
    module, _, name = f"azure.servicebus.{kind}".rpartition(".")
    if value is not None and not any(
        cls.__name__ == name and (cls.__module__ + ".").startswith(module + ".")
        for cls in type(value).__mro__
    ):
        raise TypeError(f"a {module}.{name} is needed, not {shown(value)}")
    return value


def check_name(what: str, value: object, at_most: int) -> str:
    """Check the name of a topic, or what that of a subscription begins with.

    Raises:
        TypeError: It is no text.
        ValueError: It is none that Service Bus takes.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be text such as 'socket.io', not {shown(value)}")
    if not _NAME.fullmatch(value) or len(value) > at_most:
        raise ValueError(
            f"{what} has letters, digits and ._-/~, begins and ends with a letter or a digit, and"
            f" has {at_most} characters at the most; not {shown(value)}"
        )
    return value
