"""The verification against healthy and misbehaving servers."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.engines import default_engine
from tests.local.fake_endpoint import Behavior, serving
from workloads.evidence import transfer
from workloads.jobs.verify import chat, metrics, verification
from workloads.jobs.verify.chat import is_sane
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import Series, counters
from workloads.jobs.verify.outcome import Report
from workloads.jobs.verify.verification import PROMPTS, Targets, verify
from workloads.verification import modules

EVIDENCE = default_engine().transfer_evidence
assert EVIDENCE
NIXL = transfer(EVIDENCE)
GOOD = ("model listed", "answer sane", "prefill worker served", "decode worker received")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad cases end at a bound; keep the bounds short."""
    monkeypatch.setattr(verification, "SETTLE_SECONDS", 0.5)
    monkeypatch.setattr(verification, "ROUND_SETTLE_SECONDS", 0.1)
    for module in (metrics, chat):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.02)


def verified(behavior: Behavior, **changes: object) -> tuple[Report, dict[str, str]]:
    """The report, and the sentence of each thing that is not verified."""
    with serving(behavior) as url:
        targets = Targets(url, prefill=(f"{url}/prefill",), decode=(f"{url}/decode",), timeout=5)
        report = verify(replace(targets, **changes))
    return report, {verdict.check: verdict.sentence for verdict in report.verdicts if not verdict.verified}


def test_a_disaggregated_graph_is_verified() -> None:
    behavior = Behavior()
    report, missing = verified(behavior)
    assert report.verified
    assert missing == {}
    assert tuple(verdict.check for verdict in report.verdicts) == GOOD
    assert [worker.requests for worker in report.workers] == [PROMPTS, PROMPTS]


def test_every_prompt_is_fresh_and_crosses_several_blocks() -> None:
    behavior = Behavior()
    verified(behavior)
    prompts = [prompt for prompt in behavior.prompts if prompt != "ready?"]
    assert len(prompts) == PROMPTS
    assert len({prompt.split()[0] for prompt in prompts}) == PROMPTS
    # A word is one token at least, and the largest usual block has 128.
    assert all(len(prompt.split()) > 3 * 128 for prompt in prompts)


def test_a_decode_worker_that_prefills_by_itself_verifies_nothing() -> None:
    report, missing = verified(Behavior(prefills=False))
    assert not report.verified
    assert missing == {
        "prefill worker served": "0 requests for 4 answered prompts, on 0 of 1 prefill workers.",
    }


def test_no_prefill_worker_is_said() -> None:
    _, missing = verified(Behavior(), prefill=())
    assert missing == {"prefill worker served": "there is no prefill worker: no metrics address was given."}


def test_a_decode_worker_given_as_prefill_is_not_taken_for_one() -> None:
    with serving(Behavior()) as url:
        report = verify(Targets(url, prefill=(f"{url}/decode",), decode=(f"{url}/decode",), timeout=5))
    assert [verdict.check for verdict in report.verdicts if not verdict.verified] == ["prefill worker served"]


def test_an_aggregated_graph_is_verified_by_its_workers() -> None:
    with serving(Behavior()) as url:
        report = verify(Targets(url, worker=(f"{url}/decode",), timeout=5))
    assert report.verified
    assert [verdict.check for verdict in report.verdicts] == ["model listed", "answer sane", "worker served"]


def test_an_empty_model_list_ends_at_the_bound_with_its_reason() -> None:
    started = time.monotonic()
    report, missing = verified(Behavior(models=()), timeout=0.5)
    assert time.monotonic() - started < 3
    assert not report.verified
    assert missing["model listed"] == (
        "not servable after 0.5 s: /v1/models is empty until a prefill and a decode worker have registered."
    )
    assert set(missing) == set(GOOD)


def test_another_model_than_asked_for_is_named() -> None:
    _, missing = verified(Behavior(), model="llama", timeout=0.5)
    assert missing["model listed"] == "not servable after 0.5 s: /v1/models lists tiny, not llama."


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ("!!!!!!!!", "one token repeated: '!!!!!!!!'"),
        (" the the the the", "one token repeated"),
        ("  \n", "empty"),
        (None, "empty"),
        ("", "empty"),
        ("\u200b\u200b \u200b", "empty"),
        ("\x00", "empty"),
        ("\ufeff\u2060\u00ad", "empty"),
        ("\u0301 \ufe0f", "empty"),
        ("\u3164\u2800", "empty"),
        ("\ue000", "empty"),
        ("the\u200b the the the", "one token repeated"),
    ],
)
def test_garbage_is_not_an_answer(answer: str | None, seen: str) -> None:
    _, missing = verified(Behavior(answer=answer))
    assert list(missing) == ["answer sane"]
    assert seen in missing["answer sane"]


@pytest.mark.parametrize("answer", ["yes", "11", "no no", "?", "是", "👍", "é", "€ 5", "aab", "the cat sat on the mat"])
def test_short_answers_are_sane(answer: str) -> None:
    assert is_sane(answer)


def test_a_slow_start_is_waited_for() -> None:
    report, _ = verified(Behavior(ready_after=0.6))
    assert report.verified


def test_reset_connections_are_retried() -> None:
    behavior = Behavior(resets=2)
    report, _ = verified(behavior)
    assert behavior.resets == 0
    assert report.verified


def test_connections_that_are_always_reset_end_in_a_sentence() -> None:
    _, missing = verified(Behavior(resets=10**6), timeout=0.5)
    assert "tiny is listed but does not answer" in missing["model listed"]


def test_an_answer_that_drips_for_ever_ends_at_the_bound() -> None:
    started = time.monotonic()
    _, missing = verified(Behavior(drips=True), timeout=0.5)
    assert time.monotonic() - started < 3
    assert "no answer in time" in missing["model listed"]


def test_nixl_is_verified_by_bytes_transfers_and_hits() -> None:
    report, missing = verified(Behavior(nixl_bytes=2**20), transfer=NIXL)
    assert missing == {}
    moved = next(verdict for verdict in report.verdicts if verdict.check == "KV cache moved")
    assert moved.sentence == "4.00 MiB in 4 NIXL transfers for 4 answered prompts."


def test_kv_cache_that_never_moved_is_not_verified() -> None:
    _, missing = verified(Behavior(), transfer=NIXL)
    assert set(missing) == {"KV cache moved", "no transfer failed", "moved KV cache used"}


def test_a_failed_transfer_is_said() -> None:
    _, missing = verified(Behavior(nixl_bytes=2**20, nixl_failures=1), transfer=NIXL)
    assert missing == {"no transfer failed": "4 of 4 NIXL transfers failed."}


def test_labels_with_quotes_commas_and_braces_are_read() -> None:
    text = '# TYPE f counter\nf{a="x,y",b="} \\"q\\" \\\\n"} 2 1700000000\nf 3\nnot a sample\nf{a="x,y"} word\nff 9\n'
    every, part = Series("f"), Series("f", (("a", "x,y"), ("b", '} "q" \\n')))
    asked = [every, part, Series("f", (("a", "x"),)), Series("absent")]
    assert counters(text.splitlines(), asked, Deadline(5)) == {every: 5.0, part: 2.0}


def test_nobody_at_the_endpoint_is_a_sentence_and_exit_code_1() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = run_script("--endpoint", url, "--prefill", url, "--decode", url, "--timeout", "0.3", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["verified"] is False
    assert "Connection refused" in found["verdicts"][0]["sentence"]
    assert "Traceback" not in done.stderr


def test_a_wrong_address_is_an_invalid_argument() -> None:
    done = run_script("--endpoint", "localhost:8000")
    assert done.returncode == 2
    assert "write it as http://host:port" in done.stderr


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as a Job runs it: the files of its ConfigMap in a folder, and nothing of this repository."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "verify").mkdir()
        for name, text in modules().items():
            (Path(folder) / "verify" / name).write_text(text, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-E", "-s", "-S", "-m", "verify", *arguments],
            cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


def test_the_job_may_carry_the_program() -> None:
    """A ConfigMap holds 1 MiB, and its keys are names of files."""
    assert "__main__.py" in modules()
    assert sum(map(len, modules().values())) < 2**19


@pytest.mark.parametrize("reasoning", [None, "", "the the the"])
def test_null_content_is_no_answer_even_at_the_token_limit(reasoning: str | None) -> None:
    _, missing = verified(Behavior(answer=None, reasoning=reasoning, finish_reason="length"))
    assert list(missing) == ["answer sane"]


def test_reasoning_counts_only_where_the_token_limit_ended_it() -> None:
    """A model that reasons may spend the limit before its answer begins."""
    thinking = "let me look at the river and the garden first"
    report, _ = verified(Behavior(answer=None, reasoning=thinking, finish_reason="length"))
    assert report.verified
    (answered,) = [verdict.sentence for verdict in report.verdicts if verdict.check == "answer sane"]
    assert answered.endswith(", 4 of them with reasoning only.")
    report, missing = verified(Behavior(answer=None, reasoning=thinking, finish_reason="stop"))
    assert not report.verified
    assert "empty" in missing["answer sane"]


def several(behavior: Behavior, workers: int, **changes: object) -> tuple[Report, dict[str, str]]:
    with serving(behavior) as url:
        decode = tuple(f"{url}/decode-{n}" for n in range(workers))
        targets = Targets(url, prefill=(f"{url}/prefill",), decode=decode, timeout=5)
        report = verify(replace(targets, **changes))
    return report, {v.check: v.sentence.replace(url, "") for v in report.verdicts if not v.verified}


def test_prompts_are_sent_until_every_decode_worker_has_served_one() -> None:
    """The router sends the first prompts to one worker, as it may."""
    report, missing = several(Behavior(route=lambda n: 0 if n < 8 else n % 3, nixl_bytes=2**20), 3, transfer=NIXL)
    assert missing == {}
    assert report.prompts > PROMPTS
    assert all(share.requests for share in report.workers)


def test_a_decode_worker_that_serves_nothing_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "ROUNDS", 2)
    behavior = Behavior(route=lambda n: 0)
    report, missing = several(behavior, 2)
    assert not report.verified
    assert list(missing) == ["decode worker received"]
    assert missing["decode worker received"].endswith("on 1 of 2 decode workers; not reached: /decode-1.")
    # Bounded in number: two rounds of two prompts for each worker.
    assert len(behavior.prompts) == 1 + PROMPTS + 2 * 4


def test_kv_cache_must_arrive_at_every_decode_worker() -> None:
    _, missing = several(Behavior(route=lambda n: n % 2), 2, transfer=NIXL)
    assert missing["KV cache moved"].startswith("0.00 MiB in 0 NIXL transfers")
