"""The transports: the ways to move packets between a session and its client."""
