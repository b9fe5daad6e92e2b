"""Runs `growthrings …` on a machine whose clock is wrong.

    python -m tests.running.clock SECONDS COMMAND…

So many seconds ahead of the others', or behind where they are negative.
"""

import sys
import time

from adapters.cli.main import main

if __name__ == "__main__":
    right = time.time
    offset = float(sys.argv[1])
    time.time = lambda: right() + offset
    sys.exit(main(sys.argv[2:]))
