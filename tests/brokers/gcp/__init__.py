"""Tests with Google Cloud Pub/Sub."""
