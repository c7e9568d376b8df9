"""The adapter for Postgres, with real servers."""
