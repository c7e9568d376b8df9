"""Sessions, connections, attempts, and ids that clients make for their messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("messages", sa.Column("client_id", sa.Uuid()))
    op.create_index(
        "idx_messages_from_user_client_id", "messages", ["from_user", "client_id"], unique=True
    )
    # Both the pages of the history and the unread messages are a range of ids in a channel.
    op.create_index("idx_messages_channel_id_id", "messages", ["channel_id", "id"])
    op.drop_index("idx_messages_channel_id", "messages")
    op.create_index("idx_user_channels_channel_id", "user_channels", ["channel_id"])

    op.create_table(
        "web_sessions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), _owner(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "server_processes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("server_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), _owner(), nullable=False, index=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), index=True),
    )
    op.create_table(
        "attempts",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("attempts", "connections", "server_processes", "web_sessions"):
        op.drop_table(table)
    op.drop_index("idx_user_channels_channel_id", "user_channels")
    op.create_index("idx_messages_channel_id", "messages", ["channel_id"])
    op.drop_index("idx_messages_channel_id_id", "messages")
    op.drop_index("idx_messages_from_user_client_id", "messages")
    op.drop_column("messages", "client_id")


def _owner() -> sa.ForeignKey:
    """Whoever is deleted takes these rows with them."""
    return sa.ForeignKey("users.id", ondelete="CASCADE")
