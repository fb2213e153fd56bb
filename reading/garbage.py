"""Python's garbage collector in a process that imports the providers, declares resources and ends.

The imports create half a million objects that live as long as the process. At Python's own thresholds the collector
walks them hundreds of times while they are imported and again when the process ends: half of a preview's processor
time, to free nothing.
"""

import atexit
import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

YOUNG = 250_000
"""New objects before a collection, Python's own being 700: more than declaring a large stack creates, and as garbage
less memory than the providers take."""


@cache
def collect_rarely() -> None:
    """Collects at a high threshold from now on, and nothing when the process ends. The first call counts."""
    gc.set_threshold(YOUNG, 20, 20)
    atexit.register(gc.freeze)


@contextmanager
def kept() -> Generator[None]:
    """Stops the collector while the block imports the providers. It never walks the objects that exist by then.

    Does nothing in a process that has imported them before, such as one that runs the program again: freezing would
    keep the garbage of the earlier run.
    """
    if "pulumi_gcp" in sys.modules:
        yield
        return
    collect_rarely()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
