"""From an ASGI scope to the engine, and the files of the JavaScript client."""
