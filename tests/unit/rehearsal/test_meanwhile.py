"""Faults in threads: every error is reported, and a fault without evidence is missed."""

import threading

from ops.rehearsal.engine.events import StepEvent
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.faults.meanwhile import Meanwhile
from ops.rehearsal.faults.named import Named

LOST = Named.NODE_LOST
BEGAN = StepEvent(at=0, what="began", op="update", urn="urn:pulumi:try::dynamo-gke::x$kubernetes:core/v1:Pod::chat")


def failing(error: Exception) -> Meanwhile:
    def act() -> None:
        raise error

    meanwhile = Meanwhile(5)
    meanwhile.once(LOST, "update", "$kubernetes:", act)
    meanwhile.watch(BEGAN)
    return meanwhile


def test_an_error_of_a_thread_is_reported_once_with_its_fault() -> None:
    meanwhile = failing(RehearsalError("no node"))
    assert meanwhile.settle() == ["node-lost: no node"]
    assert meanwhile.settle() == []
    assert failing(IndexError("list index out of range")).settle() == ["node-lost: IndexError: list index out of range"]


def test_an_error_beside_an_update_is_reported_too() -> None:
    meanwhile = Meanwhile(5)
    meanwhile.beside(Named.WEIGHTS, lambda: 1 // 0).join()
    assert meanwhile.settle() == ["weights: ZeroDivisionError: integer division or modulo by zero"]


def test_what_does_not_end_is_reported() -> None:
    meanwhile, end = Meanwhile(0.01), threading.Event()
    meanwhile.once(LOST, "update", "$kubernetes:", end.wait)
    meanwhile.watch(BEGAN)
    assert meanwhile.settle() == ["node-lost: what was to happen did not end within 0.01 s"]
    end.set()


def test_it_happens_once_at_the_first_such_step() -> None:
    meanwhile, acts = Meanwhile(5), list[str]()
    meanwhile.once(LOST, "update", "$kubernetes:", lambda: acts.append("now"))
    for each in (BEGAN, BEGAN):
        meanwhile.watch(each)
    assert (meanwhile.settle(), acts, meanwhile.missed()) == ([], ["now"], [])


def test_a_step_that_never_began_is_missed() -> None:
    meanwhile = Meanwhile(5)
    meanwhile.once(LOST, "create", "$kubernetes:", list)
    meanwhile.watch(BEGAN)
    assert meanwhile.missed() == ["node-lost: no create of $kubernetes: began"]
    assert meanwhile.missed() == []


def test_a_fault_without_evidence_was_not_seen_to_happen() -> None:
    meanwhile, nodes = Meanwhile(5), ["lost", "other"]
    meanwhile.once(LOST, "update", "$kubernetes:", list, lambda: "" if "lost" in nodes else "lost vanished")
    meanwhile.watch(BEGAN)
    assert (meanwhile.settle(), meanwhile.seen()) == ([], [])
    nodes.remove("lost")
    assert (meanwhile.seen(), meanwhile.seen(), meanwhile.missed()) == (["lost vanished"], [], [])


def test_evidence_that_never_comes_is_missed() -> None:
    meanwhile = Meanwhile(5)
    meanwhile.once(LOST, "update", "$kubernetes:", list, lambda: "")
    meanwhile.watch(BEGAN)
    assert (meanwhile.settle(), meanwhile.missed()) == ([], ["node-lost was not seen to happen"])
