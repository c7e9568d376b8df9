"""The application for ``INSTALLED_APPS``: it has the system checks, and nothing else."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

from socketio_asgi.integrations.django.checks import (
    check_application,
    check_options,
    check_runserver,
)


class SocketIOConfig(AppConfig):
    """The configuration of ``"socketio_asgi.integrations.django"``."""

    name = "socketio_asgi.integrations.django"
    label = "socketio_asgi"
    verbose_name: Any = "Socket.IO"  # Django allows for what is translated later

    def ready(self) -> None:
        """Register the system checks."""
        for check in (check_options, check_runserver, check_application):
            register(check)
