"""What is stored: the messages of all rooms."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models


class Message(models.Model):
    """One message in a room; the annotations are for type checkers."""

    room: models.CharField[str, str] = models.CharField(max_length=50)
    author: models.ForeignKey[User, User] = models.ForeignKey(User, on_delete=models.CASCADE)
    text: models.CharField[str, str] = models.CharField(max_length=500)
