"""What wakes the loops of a rehearsal's stand-ins."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from ops.rehearsal import changes
from ops.rehearsal.changes import Changes
from ops.rehearsal.kube import Event, NotFound
from tests.local.deployed import eventually

LONG = 30.0


class Cluster:
    """Watches that tell what a test puts into them. An error ends a watch."""

    def __init__(self) -> None:
        self.events: queue.Queue[Event | NotFound] = queue.Queue()
        self.watches = 0

    def watch(self, *_: str, stop: threading.Event, **__: Any) -> Iterator[Event]:
        self.watches += 1
        while not stop.is_set():
            with suppress(queue.Empty):
                event = self.events.get(timeout=0.05)
                if isinstance(event, NotFound):
                    raise event
                yield event


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    stop = threading.Event()
    yield stop
    stop.set()


def seconds(found: Changes, limit: float) -> float:
    began = time.monotonic()
    found.wait(limit)
    return time.monotonic() - began


def changes_of(cluster: Any, stop: threading.Event) -> Changes:
    return Changes(cluster, [("v1", "Pod", "")], stop)


def test_a_change_ends_one_wait(stop: threading.Event) -> None:
    cluster = Cluster()
    found = changes_of(cluster, stop)
    cluster.events.put(Event("ADDED", {}))
    assert seconds(found, LONG) < LONG
    assert seconds(found, 0.1) >= 0.1


def test_a_change_between_two_waits_ends_the_next(stop: threading.Event) -> None:
    cluster = Cluster()
    found = changes_of(cluster, stop)
    cluster.events.put(Event("ADDED", {}))
    eventually(found._changed.is_set)
    assert seconds(found, LONG) < LONG


def test_without_a_change_it_waits_as_long_as_it_may(stop: threading.Event) -> None:
    assert seconds(changes_of(Cluster(), stop), 0.1) >= 0.1


def test_the_end_of_the_rehearsal_ends_a_wait(stop: threading.Event) -> None:
    found = changes_of(Cluster(), stop)
    threading.Timer(0.1, stop.set).start()
    assert seconds(found, LONG) < LONG


def test_a_kind_that_does_not_exist_yet_is_watched_later(
    stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_RETRY_SECONDS", 0.01)
    cluster = Cluster()
    found = changes_of(cluster, stop)
    cluster.events.put(NotFound(404, "no kind Pod"))
    cluster.events.put(Event("ADDED", {}))
    assert seconds(found, LONG) < LONG
    assert cluster.watches == 2
