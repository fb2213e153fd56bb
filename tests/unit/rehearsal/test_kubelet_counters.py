"""The simulated workers' metrics: known names, and the values that the verification asks for."""

import pytest

from catalog.engines import all_engines
from ops.rehearsal.kubelet.counters import Role, Worker, known, served_requests
from workloads.evidence import transfer
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import Series, counters, requests_of
from workloads.jobs.verify.transfer import asked_of

COUNTED = sorted(name for name, engine in all_engines().items() if engine.transfer_evidence)


def read(worker: Worker, *asked: Series) -> dict[Series, float]:
    return dict(counters(worker.page().splitlines(), asked, Deadline(5)))


def test_a_request_adds_to_known_metrics_only() -> None:
    for engine, rules in served_requests().items():
        named = [rules.get("prefill", {}), rules.get("decode", {}), *rules.get("failed", {}).values()]
        assert {name for part in named for name in part} - set(known()[engine]["metrics"]) == set()


@pytest.mark.parametrize("engine", sorted(all_engines()))
@pytest.mark.parametrize("role", ["prefill", "decode", "worker"])
def test_each_request_is_counted_once_at_its_endpoint(engine: str, role: Role) -> None:
    worker, asked = Worker(engine, role), requests_of(role)
    assert read(worker, asked) == {}
    for _ in range(3):
        worker.serves(transfers=role != "worker")
    assert read(worker, asked) == {asked: 3}


@pytest.mark.parametrize("name", COUNTED)
def test_a_transfer_moves_every_counter_that_the_verification_reads(name: str) -> None:
    """The names here come from recordings, those of the verification from the catalog."""
    evidence = all_engines()[name].transfer_evidence
    assert evidence
    asked = transfer(evidence)
    workers = {role: Worker(name, role) for role in ("prefill", "decode")}
    for worker in workers.values():
        worker.serves(transfers=True)
    counting = read(workers[asked.role], *asked_of(asked))
    assert counting[Series(asked.moved)] > 0
    assert counting[Series(asked.transfers)] == 1
    if asked.failed:
        assert counting[Series(asked.failed)] == 0
        workers[asked.role].serves(transfers=True, fails=True)
        assert read(workers[asked.role], Series(asked.failed)) == {Series(asked.failed): 1}
    if asked.used:
        assert read(workers["decode"], Series(asked.used))[Series(asked.used)] > 0


@pytest.mark.parametrize("name", COUNTED)
def test_without_a_transfer_no_counter_of_transfers_rises(name: str) -> None:
    evidence = all_engines()[name].transfer_evidence
    assert evidence
    asked = asked_of(transfer(evidence))
    for role in ("prefill", "decode"):
        worker = Worker(name, role)
        worker.serves(transfers=False)
        assert set(read(worker, *asked).values()) <= {0.0}


def test_ucx_tables_come_from_the_role_that_the_verification_reads() -> None:
    for name, rules in served_requests().items():
        evidence = all_engines()[name].transport_evidence
        assert evidence
        assert rules["log"] == {"role": evidence.role.value, "operation": evidence.operation}
