"""System checks: common mistakes in a project, told by ``manage.py check`` and ``runserver``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's name
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands, load_command_class
from django.core.servers.basehttp import WSGIServer
from django.utils.module_loading import import_string

from socketio_asgi.integrations.django.graph import Place, places_of
from socketio_asgi.integrations.django.servers import SETTING, make_server

from ...engine.http.origins import lists
from ...server.server import Server

_PROTOCOLS = ("http", "websocket")


def check_options(**_options: Any) -> list[CheckMessage]:
    """See that a server can be made with the options of the settings."""
    if not hasattr(settings, SETTING):
        return []
    try:
        make_server()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="socketio.E001")]
    return []


def check_runserver(**_options: Any) -> list[CheckMessage]:
    """See that ``runserver`` is one that serves ASGI, when it is about to run."""
    if sys.argv[1:2] != ["runserver"]:
        return []
    name = get_commands()["runserver"]
    command: Any = load_command_class(name, "runserver") if isinstance(name, str) else name
    if not _is_wsgi(getattr(command, "server_cls", None)) and "--noasgi" not in sys.argv:
        return []
    return [
        Warning(
            "this runserver serves WSGI, and no Socket.IO: clients are answered 404",
            hint="Put 'daphne' at the top of INSTALLED_APPS (pip install daphne), or run"
            " uvicorn PROJECT.asgi:application --reload.",
            id="socketio.W001",
        )
    ]


def _is_wsgi(server_class: object) -> bool:
    return isinstance(server_class, type) and issubclass(server_class, WSGIServer)


def check_application(**_options: Any) -> list[CheckMessage]:
    """See that ``ASGI_APPLICATION`` leads clients to a server, on both transports."""
    path: str | None = getattr(settings, "ASGI_APPLICATION", None)
    if path is None:  # as startproject leaves it; servers other than daphne's are told by hand
        return []
    try:
        application: Any = import_string(path)
    except Exception as error:  # noqa: BLE001  # whatever the module raises
        return [
            Error(f"ASGI_APPLICATION = {path!r} cannot be imported: {error!r}", id="socketio.E002")
        ]
    places = {protocol: list(places_of(application, protocol)) for protocol in _PROTOCOLS}
    if not any(places.values()):
        return [_no_server(path)]
    return [*_missing_protocols(places), *_missing_users(places), *_refused_origins(places)]


def _no_server(path: str) -> CheckMessage:
    return Warning(
        f"no Socket.IO server was found in ASGI_APPLICATION = {path!r}",
        hint="Write application = SocketIOMiddleware(get_asgi_application(), io), or name the"
        " server in the routes of 'http' and of 'websocket'.",
        id="socketio.W002",
    )


def _missing_protocols(places: dict[str, list[Place]]) -> Iterator[CheckMessage]:
    for protocol, other in (("http", "websocket"), ("websocket", "http")):
        for server in _servers(places[other]) - _servers(places[protocol]):
            effect = "clients begin with polling, and are answered 404"
            if protocol == "websocket":
                effect = "clients never get beyond polling"
            yield Error(
                f"the server of {other!r} in ASGI_APPLICATION is missing in {protocol!r}: {effect}",
                hint=f"Put the same server into the routes of {protocol!r}.",
                obj=server,
                id="socketio.E003",
            )


def _missing_users(places: dict[str, list[Place]]) -> Iterator[CheckMessage]:
    for protocol, other in (("http", "websocket"), ("websocket", "http")):
        with_users = {place.server for place in places[other] if place.has_user}
        without = {place.server for place in places[protocol] if not place.has_user}
        for server in with_users & without:
            yield Error(
                f"AuthMiddlewareStack is around the server in {other!r}, and not in {protocol!r}:"
                " whether clients have a user depends on how they begin",
                hint=f"Wrap the routes of {protocol!r} in AuthMiddlewareStack as well.",
                obj=server,
                id="socketio.E004",
            )


def _refused_origins(places: dict[str, list[Place]]) -> Iterator[CheckMessage]:
    trusted = [*settings.CSRF_TRUSTED_ORIGINS, *getattr(settings, "CORS_ALLOWED_ORIGINS", ())]
    origins = {origin for origin in trusted if not _is_own(origin)}
    for server in _servers(places["http"]):
        allowed = server.engine.__socketio__.options.origin_policy.origins
        refused = sorted(origin for origin in origins if not _lists(allowed, origin))
        if refused:
            yield Warning(
                f"pages of {', '.join(refused)} may use Django, but not Socket.IO",
                hint=f'Name them in the option "cors" of {SETTING} as well.',
                obj=server,
                id="socketio.W003",
            )


def _is_own(origin: str) -> bool:
    """Whether an origin is a host of this site, or a pattern, which is not compared."""
    host = origin.rpartition("://")[2].partition(":")[0]
    return "*" in origin or host in settings.ALLOWED_HOSTS


def _lists(allowed: Any, origin: str) -> bool:
    return allowed is not None and lists(allowed, origin)


def _servers(places: list[Place]) -> set[Server]:
    return {place.server for place in places}
