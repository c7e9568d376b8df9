"""The options of the settings, and the system checks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from socketio_asgi import Server, SocketIOMiddleware
from socketio_asgi.adapters import MemoryAdapter
from tests.support.requirements import require_module

APP = "project_of_the_test"


@pytest.fixture(autouse=True)
def configured() -> None:
    for name in ("channels", "django", "daphne"):
        require_module(name)
    from tests.frameworks.django_settings import configure

    configure()


def options_of(io: Server) -> Any:
    return io.engine.__socketio__.options


def test_options_of_the_settings() -> None:
    from django.test import override_settings

    from socketio_asgi.integrations.django import ChannelLayerAdapter, make_server

    options = {
        "ping_interval": 10,
        "cors": ["https://page.example"],
        "adapter": "socketio_asgi.integrations.django.ChannelLayerAdapter",
        "parser": "socketio_asgi.protocol.DefaultParser",
    }
    with override_settings(SOCKETIO=options):
        io = make_server(ping_timeout=5, cors=None)
    assert (options_of(io).ping_interval, options_of(io).ping_timeout) == (10, 5)
    assert options_of(io).origin_policy.origins is None  # the argument wins
    assert isinstance(io.__socketio__.adapters._factory, ChannelLayerAdapter)
    with override_settings(SOCKETIO={"adapter": "socketio_asgi.adapters.MemoryAdapter"}):
        assert make_server().__socketio__.adapters._factory is MemoryAdapter


def test_hosts_of_the_settings() -> None:
    from django.test import override_settings

    from socketio_asgi.integrations.django import make_server

    assert options_of(make_server()).host_patterns == ("127.0.0.1", ".example.com")
    for name, value in (
        ("ALLOWED_HOSTS", []),
        ("ALLOWED_HOSTS", ["*"]),
        ("USE_X_FORWARDED_HOST", True),
    ):
        with override_settings(**{name: value}):
            assert options_of(make_server()).host_patterns is None
    with override_settings(SOCKETIO={"allowed_hosts": None}):
        assert options_of(make_server()).host_patterns is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "SOCKETIO must be a dict of options"),
        ({"ping_intervall": 1}, "ping_intervall"),
        ({"ping_interval": 25_000}, "SOCKETIO: ping_interval is in seconds"),
        ({"adapter": "nowhere.Adapter"}, r"SOCKETIO\['adapter'\] = 'nowhere.Adapter': No module"),
    ],
)
def test_wrong_settings(given: Any, message: str) -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from socketio_asgi.integrations.django import make_server

    with override_settings(SOCKETIO=given):
        with pytest.raises(ImproperlyConfigured, match=message):
            make_server()
        assert found(application=None) == ["socketio.E001"]


# -- system checks -------------------------------------------------------------------------


@contextmanager
def project(application: Any) -> Iterator[None]:
    """A project whose ``ASGI_APPLICATION`` that is."""
    module: Any = ModuleType(APP)
    module.application = application
    sys.modules[APP] = module
    try:
        yield
    finally:
        del sys.modules[APP]


def found(application: Any, **settings: Any) -> list[str]:
    """The ids of what the checks find in a project."""
    from django.core.checks import run_checks
    from django.test import override_settings

    if application is not None:
        settings["ASGI_APPLICATION"] = f"{APP}.application"
    with project(application), override_settings(**settings):
        return [str(message.id) for message in run_checks() if "socketio" in str(message.id)]


def server_alone(io: Server) -> Any:
    return io


def django_alone(io: Server) -> Any:
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def wrapped(io: Server) -> Any:
    return SocketIOMiddleware(django_alone(io), io)


def below_a_middleware_of_the_project(io: Server) -> Any:
    inner = wrapped(io)

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return middleware


def routed(*, http: bool = True, websocket: bool = True) -> Callable[[Server], Any]:
    """Channels' routers, with ``AuthMiddlewareStack`` where that is true."""

    def application(io: Server) -> Any:
        from channels.auth import AuthMiddlewareStack
        from channels.routing import ProtocolTypeRouter, URLRouter
        from channels.security.websocket import AllowedHostsOriginValidator
        from django import urls

        path: Any = urls.path  # which is for views, and so are its types
        re_path: Any = urls.re_path
        router: Any = URLRouter
        live = router([path("live/", router([path("", io)]))])
        inner = AuthMiddlewareStack(live) if websocket else live
        polling = AuthMiddlewareStack(live) if http else live
        return ProtocolTypeRouter(
            {
                "http": router([re_path(r"^live", polling), re_path("", django_alone(io))]),
                "websocket": AllowedHostsOriginValidator(inner),
            }
        )

    return application


def of_one_protocol(protocol: str) -> Callable[[Server], Any]:
    def application(io: Server) -> Any:
        from channels.routing import ProtocolTypeRouter, URLRouter
        from django import urls

        path: Any = urls.path
        router: Any = URLRouter
        return ProtocolTypeRouter({"http": django_alone(io), protocol: router([path("x/", io)])})

    return application


def two_servers(io: Server) -> Any:
    from channels.routing import ProtocolTypeRouter

    return ProtocolTypeRouter({"http": io, "websocket": Server()})


@pytest.mark.parametrize(
    ("application", "messages"),
    [
        (server_alone, []),
        (wrapped, []),
        (below_a_middleware_of_the_project, []),
        (routed(), []),
        (routed(http=False, websocket=False), []),
        (django_alone, ["socketio.W002"]),
        (of_one_protocol("websocket"), ["socketio.E003"]),
        (of_one_protocol("http"), ["socketio.E003"]),
        (two_servers, ["socketio.E003", "socketio.E003"]),
        (routed(http=False), ["socketio.E004"]),
        (routed(websocket=False), ["socketio.E004"]),
    ],
)
def test_the_application(application: Callable[[Server], Any], messages: list[str]) -> None:
    assert found(application(Server())) == messages


def test_an_application_that_cannot_be_imported() -> None:
    assert found(None, ASGI_APPLICATION="nowhere.application") == ["socketio.E002"]


@pytest.mark.parametrize("setting", ["CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS"])
def test_origins_that_only_django_trusts(setting: str) -> None:
    origin = "https://shop.example"
    own = ["https://127.0.0.1:8000", "https://*.example.com"]
    assert found(wrapped(Server()), **{setting: [origin, *own]}) == ["socketio.W003"]
    assert found(wrapped(Server(cors=origin)), **{setting: [origin, *own]}) == []


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["manage.py", "runserver"], ["socketio.W001"]),
        (["manage.py", "check"], []),
        ([], []),
    ],
)
def test_the_runserver_of_django(
    arguments: list[str], messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert found(None) == messages
