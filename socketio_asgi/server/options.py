"""The options of a server: checked when it is made, and turned into what they stand for.

Those of the connection layer are checked by it: :mod:`socketio_asgi.engine.options`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, get_args

from ..adapters import (
    Adapter,
    AdapterFactory,
    AdapterLifecycle,
    AdapterProvider,
    ClusterEngine,
    ConnectionStateRecovery,
)
from ..adapters.cluster_engine import ClusterEngineLifecycle
from ..adapters.default import default_adapter
from ..checks import made_of, shown
from ..events.errors import ErrorAck
from ..protocol import DefaultParser, Parser
from ..protocol.names import check_event_name
from ..runtime.callables import check_function, check_takes, is_async
from ..validation.types import Preference
from .event_errors import ErrorOptions


def as_error_options(form: ErrorAck | None, event: str | None) -> ErrorOptions:
    """The settings for errors of events.

    Raises:
        TypeError: The form is no plain function of one argument, or the event no text.
        ValueError: No server can send an event of that name.
    """
    if form is not None:
        check_function(form, 1, "error_ack is a function that is given an EventError, or None")
        if is_async(form):
            raise TypeError(
                f"error_ack is called at once, so it must be a plain def: {shown(form)}"
            )
    if event is not None:
        _check_error_event(event)
    return ErrorOptions(form, event)


def _check_error_event(event: str) -> None:
    if not isinstance(event, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"error_event must be the name of an event, or None, not {shown(event)}")
    try:
        check_event_name(event)
    except ValueError as error:
        raise ValueError(f"error_event: {error}") from None


def as_preference(option: Preference) -> Preference:
    """The library whose rules hold for types that belong to none.

    Raises:
        ValueError: There is no such library.
        ImportError: It is not installed.
    """
    known = get_args(Preference)
    if option not in known:
        raise ValueError(f"validation must be one of {', '.join(known)}, not {shown(option)}")
    if option != "auto" and find_spec(option) is None:
        raise ImportError(f"validation={option!r} needs the package {option}, which is missing")
    return option


def as_path(path: str) -> str:
    """The path where clients connect.

    Raises:
        TypeError: It is not text.
        ValueError: It is no path, such as a whole address.
    """
    if not isinstance(path, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"path must be a text such as '/socket.io', not {shown(path)}")
    if "://" in path or not path.isprintable() or set(path) & set("?# "):
        raise ValueError(f"path must be a path such as '/socket.io', not {shown(path)}")
    return path


def as_parser(option: Parser | None) -> Parser:
    """The parser that encodes packets.

    Raises:
        TypeError: It is none: a class, or a name.
    """
    if option is None:
        return DefaultParser()
    if isinstance(option, type):
        raise TypeError(f"parser must be an object: write {option.__name__}()")
    if not all(callable(getattr(option, name, None)) for name in ("encode", "decoder")):
        raise TypeError(f"parser must be an object such as MsgpackParser(), not {shown(option)}")
    return option


def as_adapter_factory(option: AdapterFactory | None) -> AdapterFactory:
    """The maker of the adapters of namespaces.

    Raises:
        TypeError: It is none: an adapter itself, or a provider that would never be started.
    """
    if option is None:
        return default_adapter()
    if not isinstance(option, AdapterProvider):
        _check_maker(option)
    return option


def as_cluster_engine(
    option: ClusterEngine | None, adapters: AdapterLifecycle
) -> ClusterEngineLifecycle | None:
    """The life of the cluster engine; None without one.

    Args:
        option: The engine.
        adapters: The adapters of the same server.

    Raises:
        TypeError: It is none.
        ValueError: The adapter finds the sessions of other processes already, or another server
            has the engine.
    """
    if option is None:
        return None
    if not isinstance(option, ClusterEngine):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            "cluster_engine is an object such as RedisClusterEngine('redis://...'), not"
            f" {shown(option)}"
        )
    if adapters.session_directory is not None:
        raise ValueError(
            "WorkersAdapter, which the command sets for several workers where no other is given,"
            " finds the sessions of the workers of one host itself: leave cluster_engine out; or,"
            " with several hosts, give an adapter with a broker, such as RedisAdapter, which joins"
            " the workers of each host as well"
        )
    option.claim()
    return ClusterEngineLifecycle(option, adapters.listeners, None)


def _check_maker(given: Any) -> None:
    """Check the class of an adapter, or a function that makes one."""
    form = "adapter is the class of an adapter, a function given the namespace, or an object of a"
    form += " subclass of AdapterProvider"
    if inspect.isclass(given):
        if issubclass(given, AdapterProvider):
            raise TypeError(f"{form}; write adapter={given.__name__}(...)")
    elif isinstance(given, Adapter):
        raise TypeError(f"{form}; write adapter={type(given).__name__}")
    elif hasattr(given, "start") and hasattr(given, "close"):
        raise TypeError(f"{form}, which is started and closed; {shown(given)} is of no such class")
    check_takes(given, 1, form)
    if is_async(given):
        raise TypeError(f"{form}, which must be a plain def: {shown(given)}")


def as_recovery(
    option: ConnectionStateRecovery | bool | Mapping[str, Any],
) -> ConnectionStateRecovery | None:
    """The options for clients that lost their connection; None when they are not recovered.

    Raises:
        TypeError: It is of another kind, or a dict with other keys.
        ValueError: A value in it makes no sense.
    """
    if option is True:
        return ConnectionStateRecovery()
    if option is False:
        return None
    if isinstance(option, Mapping):
        return made_of(ConnectionStateRecovery, "connection_state_recovery", option)
    if not isinstance(option, ConnectionStateRecovery):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            "connection_state_recovery must be True, False or ConnectionStateRecovery(...),"
            f" not {shown(option)}"
        )
    return option


def as_bearer_key(value: object) -> str | None:
    """The option ``bearer_from_auth``, checked.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty.
    """
    problem = f'bearer_from_auth must be a key of auth, such as "token", not {shown(value)}'
    if value is not None and not isinstance(value, str):
        raise TypeError(problem)
    if value == "":
        raise ValueError(problem)
    return value
