"""A poll whose page is made with Vue: all see the votes as they come.

npm ci && npm run build && socketio-asgi run main:app
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from socketio_asgi import ConnectionRefused, Event, Server, Socket
from socketio_asgi.integrations.starlette import mount

PAGE = Path(__file__).with_name("dist")
Drink = Literal["coffee", "tea", "water"]
DRINKS: tuple[Drink, ...] = ("coffee", "tea", "water")


class Data(TypedDict):
    """What is known of a client."""

    voter: str


@dataclass
class Results:
    question: str
    votes: dict[Drink, int]


votes: dict[str, Drink] = {}  # by voter: each has one, and may change it
results = Event("results", Results, description="The votes of all.")
yours = Event("yours", Drink | None, description="The vote of this client.")

io = Server()
io.emits(results, yours)


def count() -> Results:
    counted = Counter(votes.values())
    return Results(
        "What do you drink while you program?", {drink: counted[drink] for drink in DRINKS}
    )


@io.use
async def know_voter(socket: Socket[Data]) -> None:
    """Know a client that comes back, or has a second window, by the id that its page keeps."""
    voter = socket.handshake.auth.get("voter")
    if not isinstance(voter, str) or not 8 <= len(voter) <= 64:
        raise ConnectionRefused("say who you are")
    socket.data["voter"] = voter
    await socket.join(voter)


@io.on("connection")
async def connected(socket: Socket[Data]) -> None:
    # In the order that a vote has: whoever sees the new votes of all has seen the own one.
    await socket.emit(yours, votes.get(socket.data["voter"]))
    await socket.emit(results, count())


@io.on("vote")
async def vote(socket: Socket[Data], drink: Drink) -> None:
    """Vote, or change the vote."""
    voter = socket.data["voter"]
    votes[voter] = drink
    await io.to(voter).emit(yours, drink)  # in all of its windows
    await io.emit(results, count())


app = Starlette(routes=[Mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False))])
mount(app, "/socket.io", io)
