"""The delays between attempts to reconnect.

Source: https://socket.io/docs/v4/client-options/#reconnectiondelay
"""

from __future__ import annotations

import random
from collections.abc import Callable

MAX_DOUBLINGS = 64
"""Doublings after which every delay is beyond any maximum."""


class Backoff:
    """Delays that double, each a little shorter or longer at random, up to a maximum.

    Args:
        delay: The first one, in seconds.
        maximum: The largest one, in seconds.
        randomization: The part by which each may differ, from 0 to 1.
        draw: Gives random numbers from 0 to 1.

    Attributes:
        attempts: The number of delays since the beginning, or the last :meth:`reset`.
    """

    __slots__ = ("_delay", "_draw", "_maximum", "_randomization", "attempts")

    def __init__(
        self,
        delay: float,
        maximum: float,
        randomization: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.attempts: int = 0
        self._delay = delay
        self._maximum = maximum
        self._randomization = randomization
        self._draw = draw

    def next(self) -> float:
        """The next delay, in seconds."""
        delay = self._delay * 2.0 ** min(self.attempts, MAX_DOUBLINGS)
        self.attempts += 1
        deviation = (2 * self._draw() - 1) * self._randomization
        return min(delay * (1 + deviation), self._maximum)

    def reset(self) -> None:
        """Begin with the first delay again."""
        self.attempts = 0
