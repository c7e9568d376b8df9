"""The adapter for RabbitMQ, on a real node."""
