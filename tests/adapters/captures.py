"""What official servers have sent to their brokers, recorded for the tests of the wires."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("captures")


@dataclass(frozen=True)
class Command:
    """A command that an official server has sent to Redis.

    Attributes:
        case: What it was asked to do.
        name: The name of the command.
        arguments: Its arguments.
    """

    case: str
    name: str
    arguments: list[bytes]


def redis_commands(name: str) -> Iterator[Command]:
    """The commands of one recording."""
    for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines():
        item: dict[str, Any] = json.loads(line)
        yield Command(item["case"], item["cmd"], list(map(_argument, item["args"])))


def _argument(item: dict[str, str]) -> bytes:
    return bytes.fromhex(item["hex"]) if "hex" in item else item["text"].encode()
