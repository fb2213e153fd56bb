"""Wakes a loop when objects of the cluster change, so that a cluster in which nothing happens is asked nothing."""

import threading
import time
from collections.abc import Iterable

from ops.rehearsal.kube import ApiError, Kube

Watched = tuple[str, str, str]
"""API version, kind, and label selector, which may be empty."""

_RETRY_SECONDS = 1.0
_STOP_SECONDS = 0.5
"""A loop ends as soon after `stop` is set."""


class Changes:
    """Changes of objects of some kinds, which need not exist yet."""

    def __init__(self, kube: Kube, watched: Iterable[Watched], stop: threading.Event) -> None:
        self._kube, self._stop = kube, stop
        self._changed = threading.Event()
        for each in watched:
            # They end with `stop`, but not before an API server that is down answers again: nobody waits for them.
            threading.Thread(target=self._watch, args=each, daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Returns at the first change since the last call, after `seconds`, or when `stop` is set."""
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if self._changed.wait(min(left, _STOP_SECONDS)):
                break
        self._changed.clear()

    def _watch(self, api_version: str, kind: str, selector: str) -> None:
        while not self._stop.is_set():
            try:
                for _ in self._kube.watch(api_version, kind, stop=self._stop, selector=selector):
                    self._changed.set()
            except ApiError:  # such as a kind that has no definition yet
                self._stop.wait(_RETRY_SECONDS)
