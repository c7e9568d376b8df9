"""Connections to MongoDB, which pymongo makes."""
