"""Messages that are too large for SNS, in a bucket of S3."""

from __future__ import annotations

import logging
import secrets
from collections import deque

from .requests import Aws

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

FOLDER = "socketio_asgi/"
"""The beginning of the names of all objects, for a rule that lets them expire."""

UNUSED_SECONDS = 120.0
"""The age of an object which nobody will read any more: queues keep a message for half of that."""

MAX_DELETED = 1000
"""The most objects that are deleted at a time; S3 allows no more."""


def new_key() -> str:
    """A name for an object."""
    return f"{FOLDER}{secrets.token_hex(16)}"


class Store:
    """A bucket, as one server uses it.

    Args:
        aws: AWS.
        bucket: The bucket.
        max_bytes: The largest object that is read.
    """

    def __init__(self, aws: Aws, bucket: str, max_bytes: int) -> None:
        self._aws = aws
        self._s3 = aws.clients.s3
        self._bucket = bucket
        self._max_bytes = max_bytes
        self._written: deque[tuple[float, str]] = deque()

    async def write(self, key: str, data: bytes) -> None:
        """Store an object."""
        request = self._s3.put_object(Bucket=self._bucket, Key=key, Body=data)
        await self._aws.call("s3:PutObject", request)
        self._written.append((self._aws.runtime.now(), key))

    async def read(self, key: str) -> bytes:
        """Read an object.

        Raises:
            ValueError: It is none of ours, or too large.
        """
        if not key.startswith(FOLDER):
            raise ValueError("the name of the object is none of ours")
        found: bytes = await self._aws.call("s3:GetObject", self._get(key))
        return found

    async def _get(self, key: str) -> bytes:
        answer = await self._s3.get_object(Bucket=self._bucket, Key=key)
        async with answer["Body"] as body:
            if answer["ContentLength"] > self._max_bytes:
                raise ValueError(f"the object has {answer['ContentLength']} bytes")
            data: bytes = await body.read()
            return data

    async def delete_unused(self) -> None:
        """Delete what this server has stored, and nobody will read any more."""
        oldest = self._aws.runtime.now() - UNUSED_SECONDS
        unused: list[dict[str, str]] = []
        while self._written and self._written[0][0] < oldest and len(unused) < MAX_DELETED:
            unused.append({"Key": self._written.popleft()[1]})
        if unused:
            request = self._s3.delete_objects(
                Bucket=self._bucket, Delete={"Objects": unused, "Quiet": True}
            )
            await self._aws.call("s3:DeleteObject", request)
