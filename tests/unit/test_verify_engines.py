"""The verification of engines with other counters: series, role, operation, and missing counters."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.engines import Engine, engine
from ops.__main__ import app
from ops.rehearsal.kubelet.ucx_tables import WRITE
from tests.made_up_engine import heron as heron  # a fixture
from tests.made_up_engine import otter as otter  # a fixture
from tests.stacks import planned
from tests.ucx_tables import LAYOUTS, RDMA, READ, TCP, Table, log, printed
from workloads.evidence import transfer
from workloads.jobs.verify.__main__ import command_line
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import counters
from workloads.jobs.verify.outcome import Outcome, Verdict
from workloads.jobs.verify.transfer import Readings, Transfer, amount, asked_of, judge_transfer
from workloads.jobs.verify.transport import Transport, judge_log
from workloads.verification import arguments

VERIFIED, FAILED, UNKNOWN = Outcome.VERIFIED, Outcome.NOT_VERIFIED, Outcome.UNKNOWN


def asked(name: str, layout: str = "multi-node") -> list[str]:
    sizes = {"prefill": {"tensorParallel": 4}, "decode": {"tensorParallel": 8}} if layout == "multi-node" else {}
    model = {"model": "qwen3-32b", "layout": layout, "engine": {"name": name}, **sizes}
    return arguments(planned({"models": {"chat": model}}).graphs[0])


@pytest.mark.usefixtures("heron")
def test_the_job_gets_the_engines_own_counters() -> None:
    words = asked("heron")
    assert not any("vllm" in word.lower() or "nixl" in word.lower() for word in words)
    given = command_line(words)
    assert (given.transfer_role, given.moved, given.unit) == ("prefill", "heron_pushed_megabytes_total", "MBy")
    assert (given.transfers, given.failed, given.used) == ("heron_pushes_total", "heron_push_errors_total", None)
    assert given.absent.startswith("Heron counts only with --beak")
    assert (given.transport_role, given.operation, given.metrics_port) == ("prefill", "write", 9477)
    assert given.ranks == 4, "the GPUs of prefill, which writes"


@pytest.mark.usefixtures("heron")
def test_an_aggregated_graph_moves_nothing() -> None:
    given = command_line(asked("heron", "aggregated"))
    assert (given.moved, given.transport, given.metrics_port) == (None, None, 9477)


def test_an_engine_without_evidence_is_asked_for_none(otter: Engine) -> None:
    model = {"model": "qwen3-32b", "layout": "multi-node", "engine": {"name": otter.name}}
    model |= {"decode": {"tensorParallel": 1}}  # as prefill's, which Otter needs
    given = command_line(arguments(planned({"models": {"chat": model}}).graphs[0]))
    assert (given.moved, given.transport) == (None, None)


HERON = Transfer(
    role="prefill",
    moved="mb",
    unit="MBy",
    transfers="pushes",
    absent="look at --beak",
    failed="errors",
    used="taken",
    carrier="",
)
ROLES = {"prefill": ("p0", "p1"), "decode": ("d0",)}


def judged(
    transfer: Transfer, before: dict[str, str], after: dict[str, str], roles: dict[str, tuple[str, ...]] = ROLES
) -> tuple[Verdict, ...]:
    """The verdicts on two readings of metrics, for four answered prompts."""
    first, last = (
        {address: counters(text.splitlines(), asked_of(transfer), Deadline(5)) for address, text in texts.items()}
        for texts in (before, after)
    )
    return judge_transfer(transfer, roles, Readings(first, last, {"p1": "pod-1", "d0": "decode-0"}), 4)


ZERO = "mb 0\npushes 0\nerrors 0\n"
GOOD = "mb 4\npushes 4\nerrors 0\n"
CASES: list[tuple[str, dict[str, str], dict[str, Outcome]]] = [
    ("all rise", {}, {"KV cache moved": VERIFIED, "no transfer failed": VERIFIED, "moved KV cache used": VERIFIED}),
    ("one does not rise", {"p1": ZERO}, {"KV cache moved": FAILED}),
    ("one has no such counter", {"p1": "errors 0\n"}, {"KV cache moved": UNKNOWN}),
    ("none has", {"p0": "", "p1": ""}, {"KV cache moved": UNKNOWN, "no transfer failed": UNKNOWN}),
    ("one has none, one does not rise", {"p0": "", "p1": ZERO}, {"KV cache moved": FAILED}),
    ("transfers are not counted", {"p0": "mb 4\n", "p1": "mb 4\n"}, {"KV cache moved": UNKNOWN}),
    ("one announces it without a sample", {"p1": "# TYPE mb counter\n# TYPE pushes counter\nerrors 0\n"},
     {"KV cache moved": FAILED}),
    ("none announces more", {"p0": "# TYPE mb counter\n", "p1": "# HELP pushes Moved.\n"}, {"KV cache moved": FAILED}),
    ("a transfer failed", {"p0": GOOD.replace("errors 0", "errors 1")}, {"no transfer failed": FAILED}),
    ("failures are not counted", {"p0": "mb 4\npushes 4\n"}, {"no transfer failed": UNKNOWN}),
    ("one failed, one does not say", {"p0": "mb 4\npushes 4\n", "p1": GOOD.replace("errors 0", "errors 1")},
     {"no transfer failed": FAILED}),
    ("a counter is no number", {"p0": "mb NaN\npushes 4\nerrors 0\n"}, {"KV cache moved": FAILED}),
    ("nothing was taken", {"d0": "taken 0\n"}, {"KV cache moved": VERIFIED, "moved KV cache used": FAILED}),
    ("decode does not say", {"d0": "mb 4\npushes 4\n"}, {"KV cache moved": VERIFIED, "moved KV cache used": UNKNOWN}),
    ("decode counts what prefill should", {"p0": "", "p1": "", "d0": GOOD + "taken 9\n"}, {"KV cache moved": UNKNOWN}),
]  # fmt: skip


@pytest.mark.parametrize(("after", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_missing_counter_is_inconclusive_and_a_constant_one_is_a_failure(
    after: dict[str, str], wanted: dict[str, Outcome]
) -> None:
    before = dict.fromkeys(("p0", "p1"), ZERO) | {"d0": "taken 0\n"}
    read = dict.fromkeys(("p0", "p1"), GOOD) | {"d0": "taken 9\n"} | after
    found = judged(HERON, before, read)
    assert {verdict.check: verdict.outcome for verdict in found}.items() >= wanted.items()
    for verdict in found:
        assert verdict.outcome is not UNKNOWN or verdict.sentence.endswith("; look at --beak.")


def test_a_worker_that_answers_nothing_is_no_evidence() -> None:
    before = {"p0": GOOD, "p1": GOOD, "d0": GOOD}
    moved, *_ = judged(HERON, before, {"p0": GOOD.replace("4", "8")})
    assert moved.outcome is FAILED


def test_amounts_are_in_the_readers_unit() -> None:
    assert amount(2, "MBy") == "1.91 MiB"
    assert amount(2**20, "By") == "1.00 MiB"
    assert amount(12, "1") == "a count of 12"
    assert amount(12, "{block}") == "12 {block}"


def vllm_words(after: str) -> list[str]:
    evidence = engine("vllm").transfer_evidence
    assert evidence
    found = judged(transfer(evidence), {"d0": ""}, {"d0": after}, {"decode": ("d0",)})
    return [f"{verdict.outcome}: {verdict.sentence}" for verdict in found]


def test_vllm_without_its_connector_cannot_be_judged_by_counters() -> None:
    assert all(words.startswith("cannot tell: decode-0 has no counter vllm:") for words in vllm_words(""))
    assert "--kv-transfer-config" in vllm_words("")[0]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("table", "operation", "outcome", "says"),
    [
        (RDMA.but(operation=WRITE), "write", VERIFIED, "1 process writes KV cache over rc_mlx5 (RDMA)"),
        (TCP.but(operation=WRITE), "write", FAILED, "writes of KV cache are"),
        (RDMA.but(operation=READ), "write", UNKNOWN, "no table of a write between GPUs"),
        (RDMA.but(operation=WRITE), "read", UNKNOWN, "no table of a read between GPUs"),
        (TCP.but(operation=WRITE), "read", UNKNOWN, "no table of a read between GPUs"),
        (RDMA.but(operation=WRITE.replace("cuda", "host")), "write", UNKNOWN, "no table of a write"),
        (RDMA.but(operation=WRITE[1:]), "write", UNKNOWN, "is not known"),
    ],
)
def test_only_tables_of_the_engines_operation_count(
    table: Table, operation: str, outcome: Outcome, says: str, layout: str
) -> None:
    found = judge_log(log(layout, table), Transport.RDMA, None, operation)
    assert found.outcome is outcome
    assert says in found.reason


@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_refusal_counts_for_its_own_operation(operation: str) -> None:
    titles = {"read": (READ, "get into cuda from cuda"), "write": (WRITE, "put from cuda to cuda")}
    for of, (_, refused) in titles.items():
        line = f"     proto_reconfig.c:67  UCX  ERROR No zero-copy protocol found for {refused}, 1048576 bytes. "
        lines = log("1.22", RDMA.but(operation=titles[operation][0])) + printed([line])
        outcome = judge_log(lines, Transport.RDMA, None, operation).outcome
        assert outcome is (FAILED if of == operation else VERIFIED)


def by_hand(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *words])
    return done.exit_code, done.output + done.stderr


@pytest.mark.usefixtures("heron")
def test_by_hand_an_engine_is_named(tmp_path: Path) -> None:
    saved = tmp_path / "prefill-0.log"
    saved.write_text("\n".join(log("1.22", RDMA.but(operation=WRITE))))
    code, printed_ = by_hand("--transport-log", f"prefill-0={saved}", "--engine", "heron")
    assert (code, "writes KV cache over rc_mlx5" in printed_) == (0, True)
    code, printed_ = by_hand("--transport-log", f"prefill-0={saved}")
    assert (code, "no table of a read" in printed_) == (1, True), "the default engine reads"
    code, printed_ = by_hand("--transport-log", f"prefill-0={saved}", "--engine", "herring")
    assert (code, "heron" in printed_) == (2, True)


@pytest.mark.usefixtures("otter")
def test_by_hand_no_counters_are_an_invalid_argument() -> None:
    code, printed_ = by_hand("--endpoint", "http://127.0.0.1:9", "--kv-transfer", "--engine", "otter")
    assert (code, "Otter has no counter of KV cache transfers" in printed_) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--moved", "a"], "--transfer-role, --transfers, --absent is missing"),
        (["--failed", "a"], "is missing"),
        (["--moved", "a b"], "not the name of a Prometheus series"),
        (["--metrics-port", "0"], "not a port"),
        (["--operation", "guess"], "invalid choice"),
    ],
)
def test_invalid_arguments(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line(["--endpoint", "http://127.0.0.1:9", *words])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
