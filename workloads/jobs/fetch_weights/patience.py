"""Retries: the number of attempts and the deadline of a download."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import FetchFailed, Interrupted

# The longest pause between attempts, unless the hub asks for more.
LONGEST_PAUSE = 60.0

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """The limits of a download: attempts per file, and one deadline for all files."""

    attempts: int
    backoff: float
    """Seconds before the second attempt; doubled before each further one."""
    deadline: float
    """In the time of `time.monotonic`."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when another file has failed."""

    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Raises FetchFailed once the deadline has passed or another file has failed."""
        if self.stopped.is_set():
            raise FetchFailed("stopped, because another file failed")
        if not self.left():
            raise FetchFailed("the time limit of the whole fetch has passed")

    def retry(self, attempt: Callable[[], T]) -> T:
        """The result of the first attempt that succeeds. Raises FetchFailed if none does."""
        for number in range(1, self.attempts + 1):
            self.check()
            try:
                return attempt()
            except Interrupted as error:
                if number == self.attempts:
                    raise FetchFailed(f"failed after {number} attempts; last error: {error}") from None
                own = min(LONGEST_PAUSE, self.backoff * 2 ** (number - 1)) * random.uniform(0.5, 1.0)
                pause = max(own, error.retry_after)
                if pause > self.left():
                    raise FetchFailed(
                        f"{error}; the next attempt, in {pause:.0f} s, would be after the deadline"
                    ) from None
                self.stopped.wait(pause)
        raise FetchFailed("no attempt is allowed")
