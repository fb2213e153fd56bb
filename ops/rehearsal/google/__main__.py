"""`python -m ops.rehearsal.google`: the stand-in as a plugin that Pulumi starts. Its first line is its port.

A rehearsal serves the stand-in itself; tests show that it is also such a plugin.
"""

import os
import signal
import sys

from ops.rehearsal.world import VARIABLE, World


def main() -> int:
    # At once and without a word: the engine shows whatever a plugin prints, and kills it after seconds.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    try:
        world = World.of_this_process()
    except KeyError:
        print(f"runs inside a rehearsal only: {VARIABLE} is not set", file=sys.stderr)
        return 1
    from ops.rehearsal.google.server import serving

    with serving(world) as port:
        print(port, flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())
