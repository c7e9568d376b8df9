"""Events that several clients are to acknowledge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..events.acks import AckCollector, Pick
from ..exceptions import BroadcastAckError, InvalidAck
from .selection import Selection


async def ask(selection: Selection, event: str, args: Sequence[Any], pick: Pick) -> list[Any]:
    """Send an event, and pick the result of each acknowledgement."""
    namespace = selection.namespace
    packet = selection.packet(event, args, namespace.next_ack_id())
    runtime = namespace.server.find_runtime()
    if runtime is None:
        packet.check()
        return []  # no client has ever come
    acks = AckCollector(runtime, event, selection.timeout, pick)
    namespace.adapter.broadcast_with_ack(packet, selection.target, acks)
    try:
        return await acks.wait()
    finally:
        acks.release()


async def ask_declared(
    selection: Selection, event: str, args: Sequence[Any], read: Pick
) -> list[Any]:
    """Send a declared event, and make the result of each acknowledgement."""
    failure: BroadcastAckError | None = None
    try:
        replies = await ask(selection, event, args, list)
    except BroadcastAckError as error:
        failure, replies = error, error.replies
    results: list[Any] = []
    wrong: InvalidAck | None = None
    for values in replies:
        try:
            results.append(read(values))
        except InvalidAck as error:
            wrong = error
    if failure is None and wrong is None:
        return results
    raise _without(event, results, len(replies) - len(results), failure) from wrong


def _without(
    event: str, replies: list[Any], invalid: int, failure: BroadcastAckError | None
) -> BroadcastAckError:
    """The error of acknowledgements of which some did not come, or do not fit."""
    if failure is None:
        return BroadcastAckError(event, replies, invalid)
    return BroadcastAckError(
        event,
        replies,
        failure.missing + invalid,
        failure.left,
        failure.silent_servers,
        silent_server_ids=failure.silent_server_ids,
    )
