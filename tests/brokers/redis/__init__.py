"""Adapters over Redis, on real servers."""
