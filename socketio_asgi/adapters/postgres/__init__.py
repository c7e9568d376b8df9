"""The adapter for Postgres."""

from .adapter import PostgresAdapter

__all__ = ["PostgresAdapter"]
