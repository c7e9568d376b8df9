"""An honest client beside floods: ``python -m benchmarks.floods [SITUATION ...]``.

Some clients send as much as the server takes; an honest one has an event answered now and then.
What it has to wait is what one client can do to the others. See benchmarks/README.md.
"""

from __future__ import annotations

from .load.flooding import SITUATIONS
from .situations import run

if __name__ == "__main__":
    run("benchmarks.floods", __doc__, SITUATIONS)
