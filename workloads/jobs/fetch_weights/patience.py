"""Attempts and time: how often an error is borne, and until when."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import FetchFailed, Interrupted

# No pause between attempts grows beyond it, unless the hub asks for more.
LONGEST_PAUSE = 60.0

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Limits of a download: attempts for each file, and one point in time for everything."""

    attempts: int
    backoff: float
    """Seconds before the second attempt; twice as many before each further one."""
    deadline: float
    """In the time of `time.monotonic`."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when another file has failed."""

    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Raise FetchFailed once the deadline has passed or another file has failed."""
        if self.stopped.is_set():
            raise FetchFailed("stopped, because another file failed")
        if not self.left():
            raise FetchFailed("the time for the whole fetch is over")

    def retry(self, attempt: Callable[[], T]) -> T:
        """Result of the first attempt that is not Interrupted. Raises FetchFailed when there is none."""
        for number in range(1, self.attempts + 1):
            self.check()
            try:
                return attempt()
            except Interrupted as error:
                if number == self.attempts:
                    raise FetchFailed(f"given up after {number} attempts; the last one met {error}") from None
                own = min(LONGEST_PAUSE, self.backoff * 2 ** (number - 1)) * random.uniform(0.5, 1.0)
                pause = max(own, error.retry_after)
                if pause > self.left():
                    raise FetchFailed(
                        f"met {error}, and the next attempt, in {pause:.0f} s, would be too late"
                    ) from None
                self.stopped.wait(pause)
        raise FetchFailed("no attempt is allowed")
