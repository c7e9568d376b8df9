"""The settings of Django for all tests: one process has one."""

from __future__ import annotations

import logging

from django.conf import settings


def configure() -> None:
    """Set Django up; its database is ``notes.sqlite`` in the working directory."""
    if settings.configured:
        return
    import django

    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", ".example.com"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "notes.sqlite"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "socketio_asgi.integrations.django",
        ],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "sessions")),
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="tests.frameworks.django_urls",
        SECRET_KEY="secret",
    )
    django.setup()
    logging.getLogger("django.request").setLevel(logging.ERROR)
