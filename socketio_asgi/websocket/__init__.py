"""The WebSocket protocol (RFC 6455), for both sides: without a clock, a network or tasks.

    opening_request.py    the request for a WebSocket: made by a client, read by a server
    opening_response.py   the response to it: made by a server, checked by a client
    headers.py            HTTP headers, in both
    frames.py             frames, as both sides send them
    reader.py             the reader of frames in use; chosen here
    python_reader.py      the one in Python, for both sides
    fragments.py          messages that come in several pieces
    sink.py               the interface that a reader calls
    masking.py            the mask on the frames of a client

Messages are not compressed: the extension permessage-deflate is not negotiated.
"""
