"""The forms of messages on the way: pure functions, tested without a broker."""
