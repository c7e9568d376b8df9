"""The way to AWS that an application names: a region and options, a session, or clients."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from ...checks import shown
from ...exceptions import NotRetryable

MISSING = 'AWS needs aiobotocore: pip install "socketio-asgi[aws]"'

MAX_ATTEMPTS = 3
"""How often botocore makes a request, as the library of Node.js does: AWS may have ended a
connection that was kept."""


class AwsSession(Protocol):
    """A session of aiobotocore: ``aiobotocore.session.get_session()``."""

    def create_client(self, service_name: str, **options: Any) -> Any:
        """Make a client, as an asynchronous context manager."""
        ...


@dataclass(slots=True)
class AwsClients:
    """The clients of one server.

    Attributes:
        sns: That of SNS.
        sqs: That of SQS; an emitter needs none.
        s3: That of S3; None without a bucket.
        stack: Closes those that were made here.
    """

    sns: Any
    sqs: Any = None
    s3: Any = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def close(self) -> None:
        """Close the clients that were made here."""
        await self.stack.aclose()


@dataclass(slots=True)
class AwsSource:
    """The way to AWS.

    Args:
        region_name: The region; None for that of the environment.
        endpoint_url: The address of something that speaks like AWS; None for AWS itself.
        session: The session of the application; None for a new one.
        clients: The clients of the application, by ``"sns"``, ``"sqs"`` and ``"s3"``.
        options: Further options of ``session.create_client()``.

    Raises:
        TypeError: A value is of another kind, or does not go with the others.
    """

    region_name: str | None = None
    endpoint_url: str | None = None
    session: Any = field(default=None, repr=False)
    clients: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def __post_init__(self) -> None:
        for name in ("region_name", "endpoint_url"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise TypeError(f"{name} must be text, or None, not {shown(value)}")
        if not isinstance(self.options, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"client_options must be a dict, not {shown(self.options)}")
        given = self.region_name or self.endpoint_url or self.session or self.options
        if self.clients and given:
            raise TypeError(
                "clients of the application have their own region, endpoint_url, session and"
                " client_options: give either those or these"
            )

    @property
    def of_one_loop(self) -> bool:
        """True if it can be used in one event loop only."""
        return bool(self.clients)

    async def open(self, services: tuple[str, ...], seconds: float, poll: float) -> AwsClients:
        """Make the clients, or take those of the application.

        Args:
            services: Those that are needed.
            seconds: How long a request may take.
            poll: How long a request for messages waits for some, besides.

        Raises:
            NotRetryable: aiobotocore is not installed, or an option is wrong.
        """
        if self.clients:
            return AwsClients(**{name: self.clients[name] for name in services})
        # It reads its models of the services once, which takes a while.
        self.session = self.session or library("aiobotocore.session").get_session()
        stack = AsyncExitStack()
        clients = AwsClients(None, stack=stack)
        try:
            for name in services:
                longest = seconds + (poll if name == "sqs" else 0)
                setattr(clients, name, await stack.enter_async_context(self._make(name, longest)))
        except (ValueError, TypeError, LookupError) as error:
            await stack.aclose()
            raise NotRetryable(f"aiobotocore does not take an option: {error}") from error
        except BaseException:
            await stack.aclose()
            raise
        return clients

    def _make(self, service: str, seconds: float) -> Any:
        config = library("aiobotocore.config").AioConfig
        options = dict(self.options)
        # A request for messages that is lost takes some with it for a while: that has to be known.
        attempts = 1 if service == "sqs" else MAX_ATTEMPTS
        defaults = config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            user_agent_extra="socketio_asgi",
        )
        own = options.pop("config", None)
        return self.session.create_client(
            service,
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            config=defaults if own is None else defaults.merge(own),
            **options,
        )


def library(name: str) -> Any:
    """A module of aiobotocore, which has no types.

    Raises:
        NotRetryable: It is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise NotRetryable(MISSING) from error


def check_session(session: object) -> Any:
    """Check the session of an application.

    Raises:
        TypeError: It is none, or one that is not asynchronous.
    """
    if session is None or (hasattr(session, "create_client") and is_asynchronous(session)):
        return session
    raise TypeError(
        "session must be one of aiobotocore (aiobotocore.session.get_session()), not"
        f" {shown(session)}"
    )


def check_clients(clients: Mapping[str, Any], needed: tuple[str, ...]) -> dict[str, Any]:
    """Check the clients of an application, by the names of their services.

    Args:
        clients: The clients; None for those that were not given.
        needed: The services that are needed, if any is given.

    Returns:
        Those that were given.

    Raises:
        TypeError: One is missing, is of another service, or is not asynchronous.
    """
    given = {name: client for name, client in clients.items() if client is not None}
    for name, client in given.items():
        if service_of(client) != name or not is_asynchronous(client):
            raise TypeError(
                f"{name}_client must be a client of aiobotocore for {name.upper()}, not"
                f" {shown(client)}"
            )
    if given and (missing := [name for name in needed if name not in given]):
        raise TypeError(f"with clients of the application, {missing[0]}_client is needed as well")
    return given


def service_of(client: Any) -> str | None:
    """The service that a client of botocore speaks to."""
    model: Any = getattr(getattr(client, "meta", None), "service_model", None)
    name: str | None = getattr(model, "service_name", None)
    return name


def is_asynchronous(thing: object) -> bool:
    """True if a session or a client is one of aiobotocore."""
    return any(kind.__module__.startswith("aiobotocore.") for kind in type(thing).__mro__)
