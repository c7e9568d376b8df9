"""Let some tasks begin late, in each Python process that has this folder in its ``PYTHONPATH``.

The thread stands still, as on a machine whose processors are busy with something else: the order of
tasks, which programs may rely on, stays what it is.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

CHANCE = float(os.environ.get("STRESS_CHANCE", "0"))
MAX_DELAY = 0.05  # seconds

STARTERS = {
    "asyncio.base_events": ("BaseEventLoop", "create_task"),
    "uvloop": ("Loop", "create_task"),
    "trio._core._run": ("Nursery", "start_soon"),
    "socketio_asgi.runtime.asyncio_runtime": ("AsyncioTaskStarter", "start"),
}
"""By module: the class and the method that starts tasks."""


def delayed(start: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which takes its time now and then."""

    @functools.wraps(start)
    def starting(*args: Any, **kwargs: Any) -> Any:
        if random.random() < CHANCE:
            time.sleep(random.uniform(0, MAX_DELAY))
        return start(*args, **kwargs)

    return starting


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of :data:`STARTERS` as the other finders do, and changes them then."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in STARTERS:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_change(module: ModuleType) -> None:
                execute(module)
                class_name, method = STARTERS[name]
                owner = getattr(module, class_name)
                setattr(owner, method, delayed(getattr(owner, method)))

            spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


if CHANCE:
    sys.meta_path.insert(0, Finder())
