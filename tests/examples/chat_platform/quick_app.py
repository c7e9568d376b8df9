"""The application of the example, whose hashes of passwords cost nothing.

Those of the example take a processor for a moment each, and every user of the tests has one.
``test_cluster.py`` has the application as it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from argon2 import PasswordHasher, profiles

passwords: Any = import_module("chat_platform.passwords")
passwords.hasher = PasswordHasher.from_parameters(profiles.CHEAPEST)
passwords.NOBODY = passwords.hasher.hash("the password of nobody")

app: Any = import_module("chat_platform.main").app
