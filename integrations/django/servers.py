"""A server with the options of the settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from socketio_asgi.integrations.django.database import planner_with_database

from ...adapters import Adapter
from ...checks import shown
from ...server.server import Server

SETTING = "SOCKETIO"

NAMED_OPTIONS = ("adapter", "allow_request", "generate_id", "observer", "parser")
"""Options whose value may be a dotted path, as in other settings of Django."""

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


def _with_parameters_of(
    _function: Callable[P, object],
) -> Callable[[Callable[..., ResultT]], Callable[P, ResultT]]:
    """Let a function have the parameters of another one, for type checkers."""
    return lambda function: cast("Callable[P, ResultT]", function)


@_with_parameters_of(Server)
def make_server(**options: Any) -> Server:
    """Make a server with the options of ``settings.SOCKETIO``.

    Its handlers use the database as views do; see :func:`.uses_database`. ``allowed_hosts`` is that
    of the settings (``ALLOWED_HOSTS``) where they do not say otherwise.

    Args:
        **options: Options of :class:`socketio_asgi.Server`, which win over those of the settings.

    Raises:
        ImproperlyConfigured: There is no such option, or a value makes no sense.
    """
    configured = options_of_settings()
    try:
        server = Server(**{**configured, **options})
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{SETTING}: {error}") from error
    core = server.__socketio__
    core.plan_with(planner_with_database(core.planner))
    return server


def options_of_settings() -> dict[str, Any]:
    """The options that the settings name.

    Raises:
        ImproperlyConfigured: They are no mapping, or name something that cannot be imported.
    """
    given: object = getattr(settings, SETTING, {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(
            f'{SETTING} must be a dict of options, such as {{"path": "/live"}}, not {shown(given)}'
        )
    options: dict[str, Any] = {"allowed_hosts": _allowed_hosts()}
    options.update(cast("Mapping[str, Any]", given))
    for name in NAMED_OPTIONS:
        if isinstance(options.get(name), str):
            options[name] = _imported(name, options[name])
    return options


def _allowed_hosts() -> list[str] | None:
    """The hosts that Django serves; None where it has none, and where a header names the host."""
    hosts = list(settings.ALLOWED_HOSTS)
    return None if not hosts or "*" in hosts or settings.USE_X_FORWARDED_HOST else hosts


def _imported(option: str, path: str) -> Any:
    try:
        found: Any = import_string(path)
        is_maker = inspect.isclass(found) and not issubclass(found, Adapter)
        return found() if is_maker else found
    except (ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{SETTING}[{option!r}] = {path!r}: {error}") from error
