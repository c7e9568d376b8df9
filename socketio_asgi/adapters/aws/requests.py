"""Requests to AWS, each within the time that it may take."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ...brokers.aws.errors import failure
from ...brokers.aws.source import AwsClients
from ...exceptions import NotRetryable
from ...runtime import Runtime


@dataclass(frozen=True, slots=True)
class Aws:
    """AWS, as one server speaks to it.

    Attributes:
        clients: The clients.
        runtime: The event loop.
        seconds: How long a request may take.
    """

    clients: AwsClients
    runtime: Runtime
    seconds: float

    async def call(self, what: str, request: Coroutine[Any, Any, Any], more: float = 0.0) -> Any:
        """Make a request.

        Args:
            what: What is asked for, as permissions call it.
            request: The request of a client, or several in a row.
            more: How much longer it may take, in seconds.

        Returns:
            The answer.

        Raises:
            NotRetryable: It makes no sense to try again.
            ConnectionError: It does; a :class:`.Throttled` when there is too much for now.
            ValueError: The answer is of no use.
        """
        try:
            return await self.runtime.within(self.seconds + more, request)
        except TimeoutError as error:
            raise ConnectionError(f"{what}: AWS does not answer") from error
        except (ValueError, NotRetryable):
            raise
        except Exception as error:
            raise failure(error, what) from error
