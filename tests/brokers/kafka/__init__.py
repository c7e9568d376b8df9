"""The adapter for Kafka, on a broker that speaks its protocol."""
