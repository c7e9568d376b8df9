"""A plugin of pytest: in a group, a test runs in a share of its settings, and not in each.

A setting is what may differ around a test: the event loop, the class of uvicorn, the transport, the
database. What a test is about is none. The tests of a group run

* each with all that they are about;
* each in every setting at least once: a test on two transports and three event loops has three
  runs in place of six. Which ones they are changes from test to test, and from one version of
  Python to the next, so that among many tests each pair of settings comes about;
* where a test is about many things, each of them in one setting in turn.

With ``--once`` each is about the same in one setting alone; that is for a run beside another one
that has all settings. ``--group=all``, and the path of a test, run everything everywhere.
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pytest

from .groups import ALL, keep

SETTINGS: Final = frozenset(
    {
        "anyio_backend",
        "device",
        "each_backend",
        "layers",
        "loop",
        "loop_name",
        "scheme",
        "server_name",
        "setting",
        "transport",
        "transports",
        "which",
        "wire",
        "ws",
    }
)
"""Names of parameters and fixtures. What a test has others for is what it is about."""

Key = tuple[tuple[str, int], ...]
"""Parameters of a run: names, and identities of values."""

ONCE: Final = "--once"
"""The option with which each test runs in one setting."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        ONCE, action="store_true", help="run each test in one of its settings, and not in each"
    )


@pytest.hookimpl(trylast=True)  # the settings of what is no variant
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.group == ALL:
        return
    runs = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        runs[item.nodeid.partition("[")[0]].append(item)
    once = bool(config.getoption(ONCE))
    keep(config, items, {item for name, found in runs.items() for item in share(name, found, once)})


def share(name: str, runs: Sequence[pytest.Item], once: bool) -> Iterable[pytest.Item]:
    """The runs of a test that are its share."""
    by_subject = defaultdict[Key, dict[Key, pytest.Item]](dict)
    for item in runs:
        subject, settings = _parameters(item)
        by_subject[subject][settings] = item
    # Half of it, because the versions that are tested may both be odd.
    turn = zlib.crc32(name.encode()) + sys.version_info.minor // 2
    return [
        by_subject[subject][settings]
        for subject, settings in chosen_settings(
            {subject: list(found) for subject, found in by_subject.items()}, turn, once=once
        )
    ]


def _parameters(item: pytest.Item) -> tuple[Key, Key]:
    """What a run is about, and its settings; values are known by identity: not all are hashable."""
    callspec = getattr(item, "callspec", None)
    params = {} if callspec is None else callspec.params
    pairs = [(name, id(value)) for name, value in params.items()]
    subject = tuple(pair for pair in pairs if pair[0] not in SETTINGS)
    return subject, tuple(pair for pair in pairs if pair[0] in SETTINGS)


def chosen_settings(
    possible: Mapping[Key, Sequence[Key]], turn: int, *, once: bool = False
) -> list[tuple[Key, Key]]:
    """Choose settings for each subject, and more of them until each setting has been chosen.

    Args:
        possible: By subject: the settings that there are for it.
        turn: Where to begin among them.
        once: Whether one for each subject is enough.
    """
    chosen: list[tuple[Key, Key]] = []
    used = Counter[Key]()
    missing = {setting for found in possible.values() for settings in found for setting in settings}

    def worth(settings: Key) -> tuple[int, int]:
        return len(missing.intersection(settings)), -used[settings]

    def choose(subject: Key) -> None:
        found = possible[subject]
        start = turn % len(found)
        best = max((*found[start:], *found[:start]), key=worth)
        chosen.append((subject, best))
        used[best] += 1
        missing.difference_update(best)

    for subject in possible:
        choose(subject)
    while missing and not once:
        choose(max(possible, key=lambda subject: max(map(worth, possible[subject]))))
    return chosen
