"""The source of the texts: it makes them up, where another one would ask a service."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import anyio

PAUSE = (0.5, 1.5)  # seconds between two texts: the shortest and the longest
AUTHORS = ("Ada", "Barbara", "Grace", "Guido", "Hedy", "Katherine", "Margaret", "Tim")
BEGINNINGS = (
    "Today I learned something about #{}:",
    "Who else likes #{}?",
    "My week with #{} in one sentence:",
    "A question for friends of #{}:",
)
ENDS = (
    "the shortest program is the one that you do not write.",
    "everything is an event, if you wait for long enough.",
    "the second version is always the one to keep.",
    "names are hard, and caches are harder.",
    "it worked at the first try, and now I am worried.",
)
numbers = count(1)


@dataclass
class Tweet:
    author: str
    text: str
    id: int = field(default_factory=lambda: next(numbers))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


async def watch(*topics: str) -> AsyncIterator[Tweet]:
    """Each new text about one of the topics, as it comes."""
    while True:
        beginning = random.choice(BEGINNINGS).format(random.choice(topics))
        yield Tweet(random.choice(AUTHORS), f"{beginning} {random.choice(ENDS)}")
        await anyio.sleep(random.uniform(*PAUSE))
