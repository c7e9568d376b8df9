"""The topic that an application names, and the way to it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from ...checks import shown

EMULATOR = "PUBSUB_EMULATOR_HOST"
"""The variable that names an emulator, which knows no credentials.

Source: https://cloud.google.com/pubsub/docs/emulator
"""

_PROJECTS = ("GOOGLE_CLOUD_PROJECT", "PUBSUB_PROJECT_ID")

_PROJECT = re.compile(r"[a-z0-9][a-z0-9.:-]{1,98}[a-z0-9]")
_NAME = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~%+-]{2,254}")
_PATH = re.compile(r"projects/([^/]+)/topics/([^/]+)")

_NAME_RULE = "has 3 to 255 letters, digits and -._~%+, begins with a letter, and not with 'goog'"


@dataclass(frozen=True, slots=True)
class PubSubSource:
    """The way to a topic.

    Attributes:
        project: The project.
        topic: The name of the topic within it.
        emulator: Host and port of an emulator; None for Google Cloud.
        endpoint: Another endpoint of Google Cloud, such as a regional one.
        credentials: Credentials of google-auth; None for those of the environment.
        publisher: A publisher client of the application.
        subscriber: A subscriber client of the application.
    """

    project: str
    topic: str
    emulator: str | None = None
    endpoint: str | None = None
    credentials: Any = None
    publisher: Any = None
    subscriber: Any = None

    @property
    def topic_path(self) -> str:
        """The full name of the topic."""
        return f"projects/{self.project}/topics/{self.topic}"

    def subscription_path(self, name: str) -> str:
        """The full name of a subscription."""
        return f"projects/{self.project}/subscriptions/{name}"


def check_name(what: str, value: object) -> str:
    """Check the name of a topic, or what that of a subscription begins with.

    Raises:
        TypeError: It is no text.
        ValueError: It is none that Pub/Sub takes.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be text such as 'socket.io', not {shown(value)}")
    if not _NAME.fullmatch(value):
        raise ValueError(f"{what} {_NAME_RULE}; {shown(value)} does not")
    return value


def check_client(kind: str, value: object) -> object:
    """Check a client of the application.

    Args:
        kind: The name of its class.
        value: The client; None for none.

    Raises:
        TypeError: It is another one.
    """
    if value is not None and kind not in {cls.__name__ for cls in type(value).__mro__}:
        raise TypeError(f"a google.pubsub_v1.{kind} is needed, not {shown(value)}")
    return value


def source_of(
    project: object,
    topic: object,
    *,
    credentials: object,
    endpoint: object,
    emulator: object,
    publisher: object = None,
    subscriber: object = None,
) -> PubSubSource:
    """The way to a topic.

    Args:
        project: The project; None for that of the environment, or of the topic's full name.
        topic: The name of the topic, or ``projects/PROJECT/topics/TOPIC``.
        credentials: Credentials of google-auth; None for those of the environment.
        endpoint: Another endpoint of Google Cloud.
        emulator: Host and port of an emulator; None for that of the environment, if there is one.
        publisher: A publisher client of the application.
        subscriber: A subscriber client of the application.

    Raises:
        TypeError: A value is of another kind, or does not go together with another.
        ValueError: A value makes no sense.
    """
    if isinstance(topic, str) and (path := _PATH.fullmatch(topic)):
        named, topic = path.groups()
        if project not in {None, named}:
            raise ValueError(f"the topic is of the project {named!r}, not of {shown(project)}")
        project = named
    own = publisher is not None or subscriber is not None
    options = {"credentials": credentials, "endpoint": endpoint, "emulator_host": emulator}
    given = [name for name, value in options.items() if value is not None]
    if own and given:
        raise TypeError(f"the clients of the application have their own {' and '.join(given)}")
    if emulator is not None and len(given) > 1:
        raise TypeError("an emulator has neither credentials nor another endpoint")
    host = None if own else _emulator(emulator)
    return PubSubSource(
        _project(project),
        check_name("topic", topic),
        host,
        _address("endpoint", endpoint),
        _credentials(credentials),
        publisher,
        subscriber,
    )


def _project(value: object) -> str:
    if value is None:
        value = next((os.environ[name] for name in _PROJECTS if os.environ.get(name)), None)
    if value is None:
        raise ValueError(
            "the project is missing: give it as project='...', in the full name of the topic, or"
            f" in the environment as {_PROJECTS[0]}"
        )
    if not isinstance(value, str):
        raise TypeError(f"project must be the id of a project, not {shown(value)}")
    if not _PROJECT.fullmatch(value):
        raise ValueError(f"project must be the id of a project, not {shown(value)}")
    return value


def _emulator(value: object) -> str | None:
    return _address("emulator_host", os.environ.get(EMULATOR) or None if value is None else value)


def _address(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text such as 'localhost:8085', not {shown(value)}")
    if not value or "/" in value:
        raise ValueError(
            f"{name} must be a host, or a host and a port such as 'localhost:8085', without a"
            f" scheme, not {shown(value)}"
        )
    return value


def _credentials(value: object) -> object:
    if value is not None and not hasattr(value, "before_request"):
        raise TypeError(
            "credentials must be those of google-auth, such as"
            " service_account.Credentials.from_service_account_file(path), not"
            f" {type(value).__name__}"
        )
    return value
