"""Tests of the adapter for RabbitMQ."""
