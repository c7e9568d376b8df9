"""The adapter for MongoDB."""

from .adapter import MongoAdapter

__all__ = ["MongoAdapter"]
