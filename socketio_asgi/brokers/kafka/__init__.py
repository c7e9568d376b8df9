"""Kafka: connections by aiokafka, as adapters and emitters use them."""
