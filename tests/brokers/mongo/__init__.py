"""The adapter for MongoDB, over a server that speaks its protocol."""
