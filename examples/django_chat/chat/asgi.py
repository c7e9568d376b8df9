"""The application: ``uvicorn chat.asgi:application``, or ``python manage.py runserver``."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat.settings")
django = get_asgi_application()  # before models are imported

from socketio_asgi import SocketIOMiddleware  # noqa: E402

from .events import io  # noqa: E402

application = SocketIOMiddleware(django, io)
