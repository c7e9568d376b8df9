"""The WebSocket protocol (RFC 6455): bytes in and out, without a clock, a network or tasks."""
