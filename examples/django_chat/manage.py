"""A chat in Django: ``python manage.py migrate --run-syncdb``, ``createsuperuser``, ``runserver``.

Needs Django and daphne; ``uvicorn chat.asgi:application`` serves it as well.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat.settings")
    execute_from_command_line(sys.argv)
