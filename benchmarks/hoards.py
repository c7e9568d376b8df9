"""The memory that clients can have a server hold: ``python -m benchmarks.hoards [SITUATION ...]``.

Some clients have the server keep as much as it can; an honest one has an event answered now and
then. See benchmarks/README.md.
"""

from __future__ import annotations

from .load.hoarding import SITUATIONS
from .situations import run

if __name__ == "__main__":
    run("benchmarks.hoards", __doc__, SITUATIONS)
