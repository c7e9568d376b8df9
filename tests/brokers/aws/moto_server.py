"""moto as a server, mended and with faults: ``python moto_server.py PORT``.

What SNS hands to SQS as it is loses its bytes in moto 5.2: they stay base64 text, and the queue
answers with an error when it is read.

``POST /faults?throttled=N`` lets SNS refuse the next N requests, as it does when there is too much.
``POST /faults?disorder=SEED`` lets queues bring messages twice and late, ``disorder=`` no more.
"""

from __future__ import annotations

import base64
import random
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.core.utils import unix_time_millis
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue, SQSBackend
from werkzeug.serving import run_simple

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

LATEST_MILLISECONDS = 150
"""The longest time by which a message is late."""

WAIT_SECONDS = 0.02
"""The time between two looks for messages that were late; moto has a second."""

deliver_one: Callable[..., Any] = SQSBackend.send_message
wait_for_messages = Queue.wait_for_messages


class Disorder:
    """Whether messages come twice and late.

    Attributes:
        chance: Decides for each; None when all come once and in order.
    """

    chance: random.Random | None = None


def deliver(self: SQSBackend, *args: Any, message_attributes: Any = None, **options: Any) -> Any:
    """Put a message into a queue, its bytes as bytes."""
    attributes = {
        name: {**value, "BinaryValue": base64.b64decode(value["BinaryValue"])}
        if isinstance(value.get("BinaryValue"), str)
        else value
        for name, value in (message_attributes or {}).items()
    }
    times = 1 if Disorder.chance is None else Disorder.chance.choice((1, 1, 2))
    message: Any = None
    for _ in range(times):
        message = deliver_one(self, *args, **options, message_attributes=attributes)
        if Disorder.chance is not None:
            late = Disorder.chance.choice((0, Disorder.chance.randrange(LATEST_MILLISECONDS)))
            message.delayed_until = unix_time_millis() + late
    return message


def wait(self: Queue, timeout: float) -> None:
    """Wait for messages, also for those that are late."""
    wait_for_messages(self, timeout if Disorder.chance is None else WAIT_SECONDS)  # type: ignore[arg-type]


class Faults:
    """moto, and before it the faults."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._throttled = 0

    def __call__(self, request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if request["PATH_INFO"] == "/faults":
            self._set(parse_qs(request["QUERY_STRING"], keep_blank_values=True))
            start("204 No Content", [])
            return []
        if self._throttled and "/sns/" in request.get("HTTP_AUTHORIZATION", ""):
            self._throttled -= 1
            request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
            start("400 Bad Request", [("Content-Type", "text/xml")])
            return [_error("Throttling", "Rate exceeded").encode()]
        return self._moto(request, start)

    def _set(self, faults: dict[str, list[str]]) -> None:
        if "throttled" in faults:
            self._throttled = int(faults["throttled"][0])
        if "disorder" in faults:
            seed = faults["disorder"][0]
            Disorder.chance = random.Random(seed) if seed else None


def _error(code: str, text: str) -> str:
    return (
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{escape(text)}</Message></Error></ErrorResponse>"
    )


def main(port: int) -> None:
    SQSBackend.send_message = deliver  # type: ignore[method-assign]
    Queue.wait_for_messages = wait  # type: ignore[method-assign]
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", port, Faults(moto), threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
