"""The workers of one host as a cluster, without a broker and without sticky sessions."""

from .adapter import WorkersAdapter

__all__ = ["WorkersAdapter"]
