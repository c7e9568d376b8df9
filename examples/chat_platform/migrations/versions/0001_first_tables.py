"""Users, channels, messages and who is in which channel.

They are those of the official sample: a database that its server in Node.js has made is taken over.
"""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    if sa.inspect(connection).has_table("user_channels"):
        return
    is_postgres = connection.dialect.name == "postgresql"
    random_id = sa.text("gen_random_uuid()") if is_postgres else None
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    kind: sa.types.TypeEngine[str] = sa.Enum("public", "private", name="channel_type")
    if is_postgres:
        kind = postgresql.ENUM("public", "private", name="channel_type", create_type=False)
        op.execute("CREATE TYPE channel_type AS ENUM ('public', 'private')")
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=random_id),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("username", sa.Text(), nullable=False, unique=True),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("is_online", sa.Boolean(), server_default=sa.true()),
        sa.Column("last_ping", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    channels = op.create_table(
        "channels",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=random_id),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("name", sa.Text(), unique=True),
        sa.Column("type", kind, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("id", serial, primary_key=True, autoincrement=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("from_user", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("channel_id", sa.Uuid(), sa.ForeignKey("channels.id")),
        sa.Column("content", sa.Text()),
        sqlite_autoincrement=True,  # the number of a deleted message is not given again
    )
    op.create_table(
        "user_channels",
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("channel_id", sa.Uuid(), sa.ForeignKey("channels.id"), nullable=False),
        sa.Column("client_offset", sa.BigInteger(), sa.ForeignKey("messages.id")),
    )
    op.create_index("idx_messages_channel_id", "messages", ["channel_id"])
    op.create_index(
        "idx_user_channels_user_id_channel_id",
        "user_channels",
        ["user_id", "channel_id"],
        unique=True,
    )
    op.bulk_insert(channels, [{"id": uuid4(), "name": "General", "type": "public"}])


def downgrade() -> None:
    for table in ("user_channels", "messages", "channels", "users"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TYPE channel_type")
