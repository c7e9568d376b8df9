"""The settings; some of them come from the environment."""

import os
from pathlib import Path

BASE = Path(__file__).parent.parent

SECRET_KEY = os.environ.get("CHAT_SECRET_KEY", "change me")
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "chat.urls"
ASGI_APPLICATION = "chat.asgi.application"

INSTALLED_APPS = [
    "daphne",  # runserver serves ASGI
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "socketio_asgi.integrations.django",
    "chat",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("CHAT_DATABASE", str(BASE / "chat.sqlite")),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SOCKETIO = {"max_http_buffer_size": 100_000}
