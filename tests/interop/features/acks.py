"""Acknowledgements in both directions, with all that can go wrong."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import reduce
from typing import Any

from socketio_asgi import AckTimeout, BroadcastAckError, ClientDisconnected, Server, Socket
from tests.support.waiting import until

io = Server()

BYTES = bytes([0, 255, 30])

RESULTS: dict[str, Any] = {
    "none": None,
    "tuple": (1, {"bytes": BYTES}, None, "é"),
    "empty tuple": (),
    "tuple of none": (None,),
    "list": [1, [2]],
    "empty list": [],
    "false": False,
    "zero": 0,
    "empty text": "",
    "bytes": BYTES,
}


# -- answering the client ------------------------------------------------------------------------


@io.on("result")
async def result(_socket: Socket, name: str) -> Any:
    return RESULTS[name]


@io.on("result of a thread")
def result_of_a_thread(_socket: Socket, name: str) -> Any:
    return RESULTS[name]


@io.on("raise")
async def raise_(_socket: Socket) -> None:
    raise RuntimeError("an error of a handler, for the tests")


@io.on("too few")
async def too_few(_socket: Socket, one: Any, two: Any) -> str:
    return "never"


@io.on("later")
async def later(socket: Socket, *, ack: Any) -> str:
    socket.data["ack"] = ack
    return "not the answer"


@io.on("now")
async def now(socket: Socket, *args: Any) -> None:
    await socket.data["ack"](*args)


@io.on("alive")
async def alive(_socket: Socket) -> None: ...


# -- asking clients ------------------------------------------------------------------------------


async def outcome(question: Awaitable[Any]) -> dict[str, Any]:
    """How a question ended, in JSON."""
    try:
        return {"answer": await question}
    except BroadcastAckError as error:
        counts = {"missing": error.missing, "left": error.left}
        return {"event": error.event, "replies": error.replies, **counts}
    except (AckTimeout, ClientDisconnected) as error:
        return {"event": error.event, "error": type(error).__name__}


@io.on("join")
async def join(socket: Socket, room: str) -> None:
    await socket.join(room)


@io.on("ask")
async def ask(socket: Socket, timeout: float, *args: Any) -> dict[str, Any]:
    return await outcome(socket.emit_with_ack("question", *args, timeout=timeout))


@io.on("ask for values")
async def ask_for_values(socket: Socket, timeout: float) -> dict[str, Any]:
    return await outcome(socket.emit_with_ack_values("question", timeout=timeout))


@io.on("ask all for values")
async def ask_all_for_values(_socket: Socket, room: str, timeout: float) -> dict[str, Any]:
    return await outcome(io.to(room).timeout(timeout).emit_with_ack_values("question"))


@io.on("ask other")
async def ask_other(_socket: Socket, id: str, timeout: float) -> dict[str, Any]:
    return await outcome(io.sockets.sockets[id].emit_with_ack("question", timeout=timeout))


@io.on("ask all")
async def ask_all(_socket: Socket, room: str, timeout: float, *args: Any) -> dict[str, Any]:
    return await outcome(io.to(room).timeout(timeout).emit_with_ack("question", *args))


# -- modifiers -----------------------------------------------------------------------------------

Step = Callable[[Any], Any]

STEPS: dict[str, Step] = {
    "volatile": lambda operator: operator.volatile,
    "compress": lambda operator: operator.compress(False),
    "timeout": lambda operator: operator.timeout(8),
}


def chains(socket: Socket, start: str) -> list[Any]:
    """Operators that mean the same client, with their modifiers in every order."""
    if start == "socket":
        return [reduce(apply, steps, socket) for steps in itertools.permutations(STEPS.values())]
    steps = {**STEPS, "local": lambda operator: operator.local}
    orders = list(itertools.permutations(steps.values()))
    begin: Any = {"server": io, "namespace": io.of("/")}[start]
    room_first = [reduce(apply, order, begin.to(socket.id)) for order in orders]
    room_last = [reduce(apply, order, begin).to(socket.id) for order in orders]
    return [*room_first, *room_last]


def apply(operator: Any, step: Step) -> Any:
    return step(operator)


async def ready(socket: Socket) -> None:
    """Wait until the client can take something volatile."""
    await until(lambda: socket.conn.__socketio__.transport.writable)


@io.on("chained questions")
async def chained_questions(socket: Socket, start: str) -> list[Any]:
    answers = []
    for number, operator in enumerate(chains(socket, start)):
        await ready(socket)
        answers.append(await operator.emit_with_ack("question", number))
    return answers


@io.on("chained events")
async def chained_events(socket: Socket, start: str) -> int:
    operators = chains(socket, start)
    for number, operator in enumerate(operators):
        await ready(socket)
        await operator.emit("event", number, BYTES)
    return len(operators)


@io.on("short questions")
async def short_questions(socket: Socket) -> list[dict[str, Any]]:
    """The last time-out that was said counts, wherever it stands."""
    operators: list[Any] = [
        socket.volatile.timeout(600).compress(True).timeout(0.05),
        socket.timeout(0.05).volatile,
        io.timeout(0.05).to(socket.id).local,
        io.local.volatile.to(socket.id).timeout(600).timeout(0.05),
    ]
    outcomes = []
    for operator in operators:
        await ready(socket)
        outcomes.append(await outcome(operator.emit_with_ack("silence")))
    return outcomes
