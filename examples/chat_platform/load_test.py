"""Many users who talk: how long a message takes, and what that costs the servers.

python -m chat_platform.load_test http://localhost:8080 --users 200 --seconds 20 --pids 101 102 103

Each user signs up, so start the servers with SIGNUPS_PER_ADDRESS=100000. Then each one is in a
channel with nine others, and sends a message now and then. The time of a message is that from
``message:send`` in its sender to ``message:sent`` in each of the nine; all users are in this
process, with one clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from socketio_asgi.client import Client

MEMBERS = 10
SIGN_UPS_AT_A_TIME = 8
PATIENCE = 60.0  # seconds for an answer of servers that have too much to do
TICK = os.sysconf("SC_CLK_TCK")
PASSWORD = "a password of the load test"


@dataclass
class Measured:
    """What was seen while the users talked."""

    acknowledged: list[float] = field(default_factory=list[float])
    """Seconds from ``message:send`` to its acknowledgement."""
    received: list[float] = field(default_factory=list[float])
    """Seconds from ``message:send`` to ``message:sent`` in somebody else."""
    refused: int = 0


@dataclass
class Usage:
    """What processes have used: processor time in seconds, memory in MiB."""

    cpu: float
    memory: float


async def main(options: argparse.Namespace) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        clients = await connect(stack, options.url, options.users)
        channels = await share_channels(clients)
        measured = Measured()
        for client in clients:
            listen(client, measured)
        before = usage(options.pids)
        start = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number, client in enumerate(clients):
                channel = channels[number // MEMBERS]
                tasks.create_task(talk(client, channel, options, measured))
        await settle(measured)
        elapsed = time.perf_counter() - start
        after = usage(options.pids)
    return report(measured, elapsed, before, after)


async def connect(stack: AsyncExitStack, url: str, users: int) -> list[Client]:
    """Sign users up, a few at a time, and connect them."""
    turns = asyncio.Semaphore(SIGN_UPS_AT_A_TIME)
    # Several runs may meet in one database.
    run = secrets.token_hex(4)

    async def one(number: int) -> Client:
        async with turns:
            fields = {"username": f"load-{run}-{number}", "password": PASSWORD}
            # With cookies of its own: who signs up with that of another one ends their session.
            async with httpx2.AsyncClient(timeout=60) as http:
                answer = await http.post(f"{url}/signup", json=fields)
            answer.raise_for_status()
            cookie = answer.headers["set-cookie"].partition(";")[0]
            return Client(url, headers={"cookie": cookie})

    clients = await asyncio.gather(*(one(number) for number in range(users)))
    for client in clients:
        await stack.enter_async_context(client)
    return clients


async def share_channels(clients: list[Client]) -> list[str]:
    """Put each ten users into a channel of their own."""
    channels: list[str] = []
    for start in range(0, len(clients), MEMBERS):
        first, *others = clients[start : start + MEMBERS]
        made = await first.emit_with_ack("channel:create", {"name": secrets.token_hex(8)})
        channels.append(made["data"]["id"])
        for other in others:
            joined = await other.emit_with_ack("channel:join", {"channelId": channels[-1]})
            assert joined["status"] == "OK", joined
    return channels


def listen(client: Client, measured: Measured) -> None:
    @client.on("message:sent")
    def received(message: dict[str, Any]) -> None:
        measured.received.append(time.perf_counter() - float(message["content"]))


async def talk(
    client: Client, channel: str, options: argparse.Namespace, measured: Measured
) -> None:
    """Send a message now and then, at times that do not depend on those of the others."""
    end = time.perf_counter() + options.seconds
    await asyncio.sleep(random.uniform(0, options.pause))
    while time.perf_counter() < end:
        sent = time.perf_counter()
        payload = {"channelId": channel, "content": repr(sent)}
        answer = await client.emit_with_ack("message:send", payload, timeout=PATIENCE)
        measured.acknowledged.append(time.perf_counter() - sent)
        measured.refused += answer["status"] != "OK"
        await asyncio.sleep(random.expovariate(1 / options.pause))


async def settle(measured: Measured) -> None:
    """Wait until everything has come, two seconds at the most without anything new."""
    expected = (len(measured.acknowledged) - measured.refused) * (MEMBERS - 1)
    news, still = 0, 0
    while len(measured.received) < expected and still < 20:
        still = still + 1 if len(measured.received) == news else 0
        news = len(measured.received)
        await asyncio.sleep(0.1)


def usage(pids: list[int]) -> list[Usage]:
    return [process_usage(Path(f"/proc/{pid}")) for pid in pids]


def process_usage(folder: Path) -> Usage:
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    memory = next(
        int(line.split()[1])
        for line in (folder / "status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return Usage((int(fields[11]) + int(fields[12])) / TICK, memory / 1024)


def report(
    measured: Measured, elapsed: float, before: list[Usage], after: list[Usage]
) -> dict[str, Any]:
    messages = len(measured.acknowledged)
    return {
        "messages": messages,
        "messages per second": round(messages / elapsed, 1),
        "refused": measured.refused,
        "expected": (messages - measured.refused) * (MEMBERS - 1),
        "received": len(measured.received),
        "send to sent, ms": percentiles(measured.received),
        "send to acknowledgement, ms": percentiles(measured.acknowledged),
        "servers": [
            {
                "cpu, %": round((late.cpu - early.cpu) / elapsed * 100, 1),
                "memory, MiB": round(late.memory, 1),
            }
            for early, late in zip(before, after, strict=True)
        ],
    }


def percentiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {"median": round(cuts[49] * 1000, 1), "p99": round(cuts[98] * 1000, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m chat_platform.load_test")
    parser.add_argument("url")
    parser.add_argument("--users", type=int, default=200, help=f"a multiple of {MEMBERS}")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pause", type=float, default=4, help="seconds between messages of a user")
    parser.add_argument("--pids", type=int, nargs="*", default=[], help="processes to look at")
    print(json.dumps(asyncio.run(main(parser.parse_args())), indent=2))
