"""The proof against servers that behave well and badly."""

import json
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.local.fake_endpoint import Behaviour, serving
from workloads import prove

GOOD = ("model listed", "answer sane", "prefill worker served", "decode worker received")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad cases end at a bound; keep the bounds short."""
    monkeypatch.setattr(prove, "SETTLE_SECONDS", 0.5)
    monkeypatch.setattr(prove, "POLL_SECONDS", 0.02)


def proof(behaviour: Behaviour, **changes: object) -> tuple[prove.Report, dict[str, str]]:
    """The report, and the sentence of each thing that was not proven."""
    with serving(behaviour) as url:
        targets = prove.Targets(url, prefill=(f"{url}/prefill",), decode=(f"{url}/decode",), timeout=5)
        report = prove.prove(replace(targets, **changes))
    return report, {verdict.check: verdict.sentence for verdict in report.verdicts if not verdict.proven}


def test_a_disaggregated_graph_is_proven() -> None:
    behaviour = Behaviour()
    report, unproven = proof(behaviour)
    assert report.proven
    assert unproven == {}
    assert tuple(verdict.check for verdict in report.verdicts) == GOOD
    assert [worker.requests for worker in report.workers] == [prove.PROMPTS, prove.PROMPTS]


def test_every_prompt_is_fresh_and_crosses_several_blocks() -> None:
    behaviour = Behaviour()
    proof(behaviour)
    prompts = [prompt for prompt in behaviour.prompts if prompt != "ready?"]
    assert len(prompts) == prove.PROMPTS
    assert len({prompt.split()[0] for prompt in prompts}) == prove.PROMPTS
    # A word is one token at least, and the largest usual block has 128.
    assert all(len(prompt.split()) > 3 * 128 for prompt in prompts)


def test_a_decode_worker_that_prefills_by_itself_proves_nothing() -> None:
    report, unproven = proof(Behaviour(prefills=False))
    assert not report.proven
    assert unproven == {
        "prefill worker served": "0 requests for 4 answered prompts, on 0 of 1 prefill workers.",
    }


def test_no_prefill_worker_is_said() -> None:
    _, unproven = proof(Behaviour(), prefill=())
    assert unproven == {"prefill worker served": "there is no prefill worker: no metrics address was given."}


def test_a_decode_worker_given_as_prefill_is_not_taken_for_one() -> None:
    with serving(Behaviour()) as url:
        report = prove.prove(prove.Targets(url, prefill=(f"{url}/decode",), decode=(f"{url}/decode",), timeout=5))
    assert [verdict.check for verdict in report.verdicts if not verdict.proven] == ["prefill worker served"]


def test_an_aggregated_graph_is_proven_by_its_workers() -> None:
    with serving(Behaviour()) as url:
        report = prove.prove(prove.Targets(url, worker=(f"{url}/decode",), timeout=5))
    assert report.proven
    assert [verdict.check for verdict in report.verdicts] == ["model listed", "answer sane", "worker served"]


def test_an_empty_model_list_ends_at_the_bound_with_its_reason() -> None:
    started = time.monotonic()
    report, unproven = proof(Behaviour(models=()), timeout=0.5)
    assert time.monotonic() - started < 3
    assert not report.proven
    assert unproven["model listed"] == (
        "not servable after 0.5 s: /v1/models is empty, as it is until a prefill and a decode worker are registered."
    )
    assert set(unproven) == set(GOOD)


def test_another_model_than_asked_for_is_named() -> None:
    _, unproven = proof(Behaviour(), model="llama", timeout=0.5)
    assert unproven["model listed"] == "not servable after 0.5 s: /v1/models lists tiny, not llama."


@pytest.mark.parametrize(
    ("answer", "seen"),
    [("!!!!!!!!", "one token repeated: '!!!!!!!!'"), (" the the the the", "one token repeated"), ("  \n", "empty")],
)
def test_garbage_is_not_an_answer(answer: str, seen: str) -> None:
    _, unproven = proof(Behaviour(answer=answer))
    assert list(unproven) == ["answer sane"]
    assert seen in unproven["answer sane"]


@pytest.mark.parametrize("answer", ["yes", "11", "no no", "aab", "the cat sat on the mat"])
def test_short_answers_are_sane(answer: str) -> None:
    assert prove.is_sane(answer)


def test_a_slow_start_is_waited_for() -> None:
    report, _ = proof(Behaviour(ready_after=0.6))
    assert report.proven


def test_reset_connections_are_retried() -> None:
    behaviour = Behaviour(resets=2)
    report, _ = proof(behaviour)
    assert behaviour.resets == 0
    assert report.proven


def test_connections_that_are_always_reset_end_in_a_sentence() -> None:
    _, unproven = proof(Behaviour(resets=10**6), timeout=0.5)
    assert "tiny is listed but does not answer" in unproven["model listed"]


def test_an_answer_that_drips_for_ever_ends_at_the_bound() -> None:
    started = time.monotonic()
    _, unproven = proof(Behaviour(drips=True), timeout=0.5)
    assert time.monotonic() - started < 3
    assert "no answer in time" in unproven["model listed"]


def test_nixl_is_proven_by_bytes_transfers_and_hits() -> None:
    report, unproven = proof(Behaviour(nixl_bytes=2**20), nixl=True)
    assert unproven == {}
    moved = next(verdict for verdict in report.verdicts if verdict.check == "KV cache moved")
    assert moved.sentence == "4.00 MiB in 4 NIXL transfers for 4 answered prompts."


def test_kv_cache_that_never_moved_is_not_proven() -> None:
    _, unproven = proof(Behaviour(), nixl=True)
    assert set(unproven) == {"KV cache moved", "no transfer failed", "moved KV cache used"}


def test_a_failed_transfer_is_said() -> None:
    _, unproven = proof(Behaviour(nixl_bytes=2**20, nixl_failures=1), nixl=True)
    assert unproven == {"no transfer failed": "4 of 4 NIXL transfers failed."}


def test_labels_with_quotes_commas_and_braces_are_read() -> None:
    text = '# TYPE f counter\nf{a="x,y",b="} \\"q\\" \\\\n"} 2 1700000000\nf 3\nnot a sample\nf{a="x,y"} word\n'
    assert list(prove.samples(text)) == [("f", {"a": "x,y", "b": '} "q" \\n'}, 2.0), ("f", {}, 3.0)]
    assert prove.total(text, "f", a="x,y") == 2
    assert prove.total(text, "absent") == 0


def test_nobody_at_the_endpoint_is_a_sentence_and_exit_code_1() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = run_script("--endpoint", url, "--prefill", url, "--decode", url, "--timeout", "0.3", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["proven"] is False
    assert "Connection refused" in found["verdicts"][0]["sentence"]
    assert "Traceback" not in done.stderr


def test_a_wrong_address_is_the_command_lines_fault() -> None:
    done = run_script("--endpoint", "localhost:8000")
    assert done.returncode == 2
    assert "write it as http://host:port" in done.stderr


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The file alone, isolated from the repository and from every installed package, as a Job runs it."""
    script = Path(prove.__file__)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
