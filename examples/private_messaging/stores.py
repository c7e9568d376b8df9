"""Where users and their messages are kept: in this process, or in Redis for several servers."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Protocol, TypedDict

LIFETIME = 7 * 24 * 60 * 60  # seconds that Redis keeps a user, and the messages of a user
HISTORY = 1000  # messages of each user


class User(TypedDict):
    """Somebody who has chosen a name."""

    userID: str
    username: str


Message = TypedDict("Message", {"id": str, "content": str, "from": str, "to": str})


class Store(Protocol):
    """Users, the sessions that they come back with, and their messages."""

    async def save_session(self, session_id: str, user: User) -> None: ...

    async def find_session(self, session_id: str) -> User | None: ...

    async def find_users(self) -> list[User]: ...

    async def has_user(self, user_id: str) -> bool: ...

    async def save_message(self, message: Message) -> None: ...

    async def find_messages(self, user_id: str) -> list[Message]: ...

    async def close(self) -> None: ...


class MemoryStore:
    """Keeps everything as long as the process lives."""

    def __init__(self) -> None:
        self._sessions: dict[str, User] = {}
        self._users: dict[str, User] = {}
        self._messages: dict[str, deque[Message]] = {}

    async def save_session(self, session_id: str, user: User) -> None:
        self._sessions[session_id] = self._users[user["userID"]] = user

    async def find_session(self, session_id: str) -> User | None:
        return self._sessions.get(session_id)

    async def find_users(self) -> list[User]:
        return list(self._users.values())

    async def has_user(self, user_id: str) -> bool:
        return user_id in self._users

    async def save_message(self, message: Message) -> None:
        for user_id in {message["from"], message["to"]}:
            self._messages.setdefault(user_id, deque(maxlen=HISTORY)).append(message)

    async def find_messages(self, user_id: str) -> list[Message]:
        return list(self._messages.get(user_id, ()))

    async def close(self) -> None:
        """Nothing is open."""


class RedisStore:
    """Keeps a user for a week after the last connection, and the last messages of a user."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # not needed for one server

        self._redis = Redis.from_url(url, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]

    async def save_session(self, session_id: str, user: User) -> None:
        now = time.time()
        value = json.dumps(user)
        async with self._redis.pipeline() as pipeline:
            pipeline.set(f"session:{session_id}", value, ex=LIFETIME)
            pipeline.set(f"user:{user['userID']}", value, ex=LIFETIME)
            pipeline.zremrangebyscore("users", "-inf", now - LIFETIME)
            pipeline.zadd("users", {user["userID"]: now})
            await pipeline.execute()

    async def find_session(self, session_id: str) -> User | None:
        value = await self._redis.get(f"session:{session_id}")
        return None if value is None else json.loads(value)

    async def find_users(self) -> list[User]:
        user_ids = await self._redis.zrange("users", 0, -1)  # pyright: ignore[reportUnknownMemberType]
        keys = [f"user:{user_id}" for user_id in user_ids]
        values = await self._redis.mget(keys) if keys else []
        return [json.loads(value) for value in values if value is not None]

    async def has_user(self, user_id: str) -> bool:
        return bool(await self._redis.exists(f"user:{user_id}"))

    async def save_message(self, message: Message) -> None:
        value = json.dumps(message)
        async with self._redis.pipeline() as pipeline:
            for user_id in {message["from"], message["to"]}:
                pipeline.rpush(f"messages:{user_id}", value)
                pipeline.ltrim(f"messages:{user_id}", -HISTORY, -1)
                pipeline.expire(f"messages:{user_id}", LIFETIME)
            await pipeline.execute()

    async def find_messages(self, user_id: str) -> list[Message]:
        values = await self._redis.lrange(f"messages:{user_id}", 0, -1)
        return [json.loads(value) for value in values]

    async def close(self) -> None:
        await self._redis.aclose()
