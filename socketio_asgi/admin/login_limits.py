"""The limits of attempts to log in: a password is not found by trying."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

ATTEMPTS = 5
"""Attempts that one address has at once; see :data:`ATTEMPT_SECONDS`."""

ATTEMPT_SECONDS = 12.0
"""The time after which an address has another one: five in a minute."""

ALL_ATTEMPTS = 30
"""Attempts that all addresses together have at once: whoever has many gets no further."""

ALL_ATTEMPT_SECONDS = 2.0
"""The time after which there is another one for all: thirty in a minute."""

MAX_ADDRESSES = 10_000
"""Addresses whose attempts are counted: the latest."""

Now = Callable[[], float]


class _Bucket:
    """Attempts that are left, and come back one after another."""

    __slots__ = ("_left", "_most", "_seconds", "_time")

    def __init__(self, most: int, seconds: float, now: float) -> None:
        self._most = most
        self._seconds = seconds
        self._left = float(most)
        self._time = now

    def has_one(self, now: float) -> bool:
        """True when there is one left."""
        passed, self._time = now - self._time, now
        self._left = min(self._most, self._left + passed / self._seconds)
        return self._left >= 1

    def take(self, count: int = 1) -> None:
        """Take some, or give some back."""
        self._left = min(self._most, self._left - count)


class LoginLimits:
    """Counts the attempts to log in, by address and altogether.

    Args:
        now: The clock of the event loop, in seconds.
    """

    def __init__(self, now: Now) -> None:
        self._now = now
        self._all = _Bucket(ALL_ATTEMPTS, ALL_ATTEMPT_SECONDS, now())
        self._by_address: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, address: str, *, of_all: bool = True) -> bool:
        """Take an attempt of an address, if it has one left.

        Args:
            address: The address.
            of_all: Whether it is one of all addresses together as well.
        """
        bucket, now = self._bucket(address), self._now()
        if not bucket.has_one(now) or (of_all and not self._all.has_one(now)):
            return False
        bucket.take()
        if of_all:
            self._all.take()
        return True

    def give_back(self, address: str, *, of_all: bool = True) -> None:
        """Give an attempt back, which was a success."""
        self._bucket(address).take(-1)
        if of_all:
            self._all.take(-1)

    def _bucket(self, address: str) -> _Bucket:
        network = _network(address)
        bucket = self._by_address.get(network)
        if bucket is None:
            bucket = _Bucket(ATTEMPTS, ATTEMPT_SECONDS, self._now())
            self._by_address[network] = bucket
            if len(self._by_address) > MAX_ADDRESSES:
                self._by_address.popitem(last=False)
        else:
            self._by_address.move_to_end(network)
        return bucket


def _network(address: str) -> str:
    """What one person has: an address, or the /64 network of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return parsed.packed[:8].hex()
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
