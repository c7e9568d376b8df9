"""Adapters on real brokers, beside official servers in Node.js."""
