"""NATS: connections by nats-py, as adapters and emitters use them."""
