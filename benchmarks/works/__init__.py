"""The works, by name."""

from __future__ import annotations

from . import broadcast, connecting, echo, idle, polling, rooms, storm
from .work import Work

MODULES = (echo, broadcast, storm, rooms, connecting, polling, idle)

WORKS: dict[str, Work] = {work.name: work for module in MODULES for work in module.WORKS}
