"""Fixtures of the tests of frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from tests.support.requirements import require_module


@pytest.fixture
async def django(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Django, with a database that knows a user ``ann``; gives the model of users."""
    for name in ("channels", "django"):
        require_module(name)
    from tests.frameworks.django_settings import configure

    monkeypatch.chdir(tmp_path)
    configure()
    return await anyio.to_thread.run_sync(_make_database)


def _make_database() -> Any:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections

    try:
        call_command("migrate", run_syncdb=True, verbosity=0)
        model: Any = get_user_model()
        model.objects.create_user("ann", password="secret")
    finally:
        connections.close_all()
    return model
