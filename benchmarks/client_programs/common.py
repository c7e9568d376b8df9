"""The situations, for a client in Python: how it connects, and how it is asked to work."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..proc import memory

DATA = {"text": "some words of a chat message", "number": 42, "list": [1, 2, 3]}
STORM = 50
"""Events that one event of a client makes the server send to it."""
AT_A_TIME = 50
"""Clients that connect at the same time."""


class Peer(Protocol):
    """A connected client."""

    async def ask(self, data: Any) -> Any:
        """Have the server echo something."""
        ...

    async def storm(self, count: int, data: Any) -> None:
        """Have the server send that many events, and wait for the last."""
        ...


Connect = Callable[[str], Awaitable[Peer]]


async def run(connect: Connect) -> None:
    """Do what the command line says."""
    url, situation, count, seconds = sys.argv[1:5]
    await connect(url)  # what is made once is made already
    gc.collect()
    before = memory(os.getpid()).pss
    peers: list[Peer] = []
    while len(peers) < int(count):
        size = min(AT_A_TIME, int(count) - len(peers))
        peers += await asyncio.gather(*(connect(url) for _ in range(size)))
    if situation == "idle":
        await asyncio.sleep(float(seconds))
        gc.collect()
        result = {"kib": (memory(os.getpid()).pss - before) / len(peers)}
    else:
        work = _echo if situation == "echo" else _storm
        await _measure(work, peers, 1.0)
        result = {"us": await _measure(work, peers, float(seconds))}
    print(json.dumps(result), flush=True)
    os._exit(0)  # nothing of the end is measured


async def _measure(
    work: Callable[[Peer], Awaitable[int]], peers: list[Peer], seconds: float
) -> float:
    """Microseconds of processor time for each message."""
    end = time.monotonic() + seconds
    begun = time.process_time()

    async def each(peer: Peer) -> int:
        done = 0
        while time.monotonic() < end:
            done += await work(peer)
        return done

    counts = await asyncio.gather(*map(each, peers))
    return (time.process_time() - begun) / sum(counts) * 1e6


async def _echo(peer: Peer) -> int:
    if await peer.ask(DATA) != DATA:
        raise AssertionError("a wrong answer")
    return 1


async def _storm(peer: Peer) -> int:
    await peer.storm(STORM, DATA)
    return STORM
