"""The tables. ``migrations/`` makes them; a change here needs a migration there."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, DateTime, Enum, ForeignKey, Integer, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Serial = BigInteger().with_variant(Integer, "sqlite")  # which numbers rows with INTEGER alone


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class User(Base):
    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    username: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    """An argon2 hash in the PHC form, with its salt and its costs in it."""
    is_online: Mapped[bool]
    """What other users see. ``presence.py`` alone changes it."""
    last_ping: Mapped[datetime]
    """When the last connection began."""


class Channel(Base):
    __tablename__ = "channels"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    name: Mapped[str | None] = mapped_column(unique=True)
    """Private channels have none."""
    type: Mapped[str] = mapped_column(Enum("public", "private", name="channel_type"))


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    from_user: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"))
    content: Mapped[str]
    client_id: Mapped[UUID | None]
    """Made by the client, and unique for the sender: the same message twice is one."""


class Membership(Base):
    __tablename__ = "user_channels"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"), primary_key=True)
    client_offset: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    """The read mark: the last message that the user has seen."""


class WebSession(Base):
    """Somebody who has logged in with one browser."""

    __tablename__ = "web_sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    """A hash of what the cookie has: the table alone opens no session."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ServerProcess(Base):
    """A server that runs, or has run a moment ago."""

    __tablename__ = "server_processes"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    last_seen: Mapped[datetime]


class Connection(Base):
    """A connection of a user: a tab, or a device."""

    __tablename__ = "connections"
    id: Mapped[str] = mapped_column(primary_key=True)
    """That of the socket."""
    server_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    """None while it lasts. The row stays until the grace period is over."""


class Attempts(Base):
    """How often something was tried, such as a password for a name from an address."""

    __tablename__ = "attempts"
    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    """When counting begins anew."""
