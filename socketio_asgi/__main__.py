"""``python -m socketio_asgi``: the same as the command ``socketio-asgi``."""

import sys

from .cli import main

sys.exit(main())
