"""The verdict over the log of a decode pod: every case of UCX's tables, in both layouts."""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ucx_tables import CUDA_IPC, HOST_READ, LAYOUTS, MESSAGES, RDMA, READ, TCP, Table, bulk, log, printed
from workloads.jobs.verify.__main__ import main
from workloads.jobs.verify.transport import Finding, Transport, judge_log

every_layout = pytest.mark.parametrize("layout", LAYOUTS)
Lines = Callable[[str], list[str]]


def of(*tables: Table, pid: int = 311) -> Lines:
    return lambda layout: log(layout, *tables, pid=pid)


def rdma(lines: Sequence[str], ranks: int | None = None) -> Finding:
    return judge_log(lines, Transport.RDMA, ranks)


@dataclass(frozen=True)
class Case:
    name: str
    lines: Lines
    outcome: str
    says: str = ""


SIX = "17% on rc_mlx5/mlx5_00:1, 17% on rc_mlx5/mlx5_01:1, 17% on rc_mlx5/mlx5_02:1, 17% on rc_mlx5/mlx5_03:1"
ERROR = "     proto_reconfig.c:67  UCX  ERROR No zero-copy protocol found for get into {} from {}, 1048576 bytes. "
COULD = "     ucp_worker.c:1991 UCX  INFO    ucp_context_0 inter-node cfg#2 rma(rc_mlx5/mlx5_0:1)  am(cuda_ipc/cuda)"
UNSERVED = "    proto_reconfig.c:93   UCX  ERROR cannot find remote protocol for: ucp_context_0 inter-node cfg#2 | {}"


def error(text: str) -> Lines:
    return lambda layout: log(layout, RDMA) + printed([text])


def used(lines: list[str], layout: str) -> list[str]:
    """The table as UCX prints it at its end, with a count in front."""
    if layout == "1.21":
        return [line.replace(" 65..inf", "12  65..inf") for line in lines]
    counted = [line.replace("]   | ", f"]   | {'Count' if 'Range' in line else '   12'} | ") for line in lines]
    return [new if line.count(" | ") == 3 else line for line, new in zip(lines, counted, strict=True)]


VERIFIED = [
    Case("RDMA with GPUDirect", of(RDMA), "verified", "rc_mlx5 (RDMA)"),
    Case("peers on the node", of(RDMA.but(endpoint="intra-node")), "verified", "rc_mlx5 (RDMA)"),
    Case("memory of no known device", of(RDMA.but(operation=READ.replace("cuda/GPU1", "cuda memory"))), "verified"),
    Case("a peer's device of no number", of(RDMA.but(operation=READ.replace("/dev[0]", ""))), "verified"),
    Case("a list of buffers", of(RDMA.but(operation=READ.replace("cuda/GPU1", "iov[4] cuda/GPU1"))), "verified"),
    Case("two attributes", of(RDMA.but(operation=READ.replace("multi", "fast-completion|multi"))), "verified"),
    Case("no attributes", of(RDMA.but(operation=READ.replace("(multi)", ""))), "verified"),
    Case("managed memory", of(RDMA.but(operation=READ.replace("cuda/", "cuda-managed/"))), "verified"),
    *(
        Case(transport, of(bulk(config=f"{transport}/mlx5_0:1")), "verified", f"{transport} (RDMA)")
        for transport in ("rc_mlx5", "dc_mlx5", "rc_verbs", "gga_mlx5")
    ),
    Case("two NICs", of(bulk(config="50% on rc_mlx5/mlx5_0:1 and 50% on rc_mlx5/mlx5_1:1")), "verified"),
    Case("paths of two NICs", of(bulk(config="60% on rc_mlx5/a:1/path0 and 40% on rc_mlx5/b:1/path1")), "verified"),
    Case("three NICs", of(bulk(config="34% on rc_mlx5/a:1, 33% on rc_mlx5/b:1 and 33% on rc_mlx5/c:1")), "verified"),
    Case("GPU to GPU on the node", of(CUDA_IPC), "verified", "cuda_ipc (NVLink or PCIe within the node, no RDMA)"),
    Case("both ways", of(CUDA_IPC, RDMA), "verified", "rc_mlx5 (RDMA) and cuda_ipc"),
    Case("messages over TCP beside it", of(MESSAGES, RDMA, MESSAGES), "verified", "rc_mlx5"),
    Case("host memory beside it", of(RDMA, TCP.but(operation=HOST_READ)), "verified", "rc_mlx5"),
    Case("a read of itself beside it", of(RDMA, TCP.but(endpoint="self")), "verified", "rc_mlx5"),
    Case("small rows over TCP", of(Table((("0..2047", "software emulation", "tcp/eth0"), ("2K..inf", "zero-copy",
         "rc_mlx5/mlx5_0:1")))), "verified"),
    Case("two bulk rows", of(Table((("0..4K", "zero-copy", "rc_mlx5/a:1"), ("4097..1G", "zero-copy", "dc_mlx5/a:1"),
         ("1073741825..inf", "zero-copy", "rc_mlx5/a:1")))), "verified", "dc_mlx5, rc_mlx5 (RDMA)"),
    Case("a refused read of host memory", error(ERROR.format("host", "host")), "verified"),
]  # fmt: skip

NOT_VERIFIED = [
    Case("TCP", of(TCP), "not verified", "tcp/eth0"),
    Case("TCP on the node", of(TCP.but(endpoint="intra-node")), "not verified", "UCX_IB_ROCE_REACHABILITY_MODE"),
    Case("AMD's memory over TCP", of(TCP.but(operation=READ.replace("cuda", "rocm"))), "not verified"),
    Case("managed memory over TCP", of(TCP.but(operation=READ.replace("cuda/", "cuda-managed/"))), "not verified"),
    Case("a list of buffers over TCP", of(TCP.but(operation=READ.replace("cuda/GPU1", "iov[4] cuda/GPU1"))),
         "not verified"),
    *(
        Case(f"zero-copy on {other}", of(bulk(config=other)), "not verified", other)
        for other in ("tcp/eth0", "sysv/memory", "posix/memory", "cma/memory", "self/memory", "xpmem/memory",
                      "ud_mlx5/mlx5_0:1", "ud_verbs/mlx5_0:1", "cuda_copy/cuda", "gdr_copy/cuda", "rocm_ipc/rocm")
    ),
    Case("shared memory", of(bulk("software emulation", "sysv/memory", "0")), "not verified"),
    Case("RDMA without GPUDirect", of(bulk("software emulation")), "not verified", "software emulation"),
    Case("a bounce buffer at the reader", of(bulk("copy-out")), "not verified", "copy-out"),
    Case("copy-in", of(bulk("copy-in")), "not verified"),
    Case("fragments", of(bulk("multi-frag zero-copy")), "not verified"),
    Case("the pipeline of 1.22", of(bulk("(?) rndv using pipeline cuda_copy, write to remote, frag host")),
         "not verified", "pipeline"),
    Case("emulation with a staging transport", of(bulk("software emulation gdr_copy")), "not verified"),
    Case("mixed lanes", of(bulk(config="84% on rc_mlx5/mlx5_0:1, 9% on tcp/d0 and 7% on tcp/d1")), "not verified"),
    Case("mixed lanes, cut", of(bulk(config="84% on rc_mlx5/mlx5_0:1, 9% on tcp/d0 and 7% on tc")), "not verified"),
    Case("a good table before", of(RDMA, TCP.but(number=3)), "not verified"),
    Case("a good table after", of(TCP, RDMA.but(number=3)), "not verified"),
    Case("one bad bulk row of two", of(Table((("0..4K", "software emulation", "tcp/eth0"),
         ("4097..inf", "zero-copy", "rc_mlx5/a:1")))), "not verified"),
    Case("a row that only just reaches bulk", of(Table((("0..2K", "copy-out", "rc_mlx5/a:1"),
         ("2049..inf", "zero-copy", "rc_mlx5/a:1")))), "not verified"),
    Case("cut, with the bad row in sight", lambda layout: log(layout, TCP)[:-1], "not verified"),
    Case("a refused read", error(ERROR.format("cuda", "cuda")), "not verified", "UCX refused to read cuda memory"),
    Case("a refused read of managed memory", error(ERROR.format("cuda-managed", "cuda")), "not verified"),
    Case("a read that no protocol serves", error(UNSERVED.format("get(multi) into cuda/GPU0 from cuda/dev[1]")),
         "not verified"),
    Case("a table without rows, and the refusal",
         lambda layout: log(layout, Table(())) + printed([ERROR.format("cuda", "cuda")]), "not verified"),
    Case("used, over TCP", lambda layout: used(log(layout, bulk("software emulation", "tcp/eth0")), layout),
         "not verified"),
]  # fmt: skip

UNKNOWN = [
    Case("an empty log", lambda _: [], "cannot tell", "UCX_LOG_FILE=stderr"),
    Case("no table", lambda _: ["INFO serving", "rc_mlx5/mlx5_0:1 zero-copy"], "cannot tell"),
    Case("what an endpoint could use", lambda _: printed([COULD]), "cannot tell"),
    Case("messages only", of(MESSAGES.but(rows=(("0..inf", "zero-copy", "rc_mlx5/mlx5_0:1"),))), "cannot tell"),
    Case("a write", of(RDMA.but(operation="remote memory write by ucp_put*(multi) from cuda/GPU0 to cuda/dev[0]")),
         "cannot tell"),
    Case("reads of itself only", of(RDMA.but(endpoint="self")), "cannot tell"),
    Case("host memory only", of(RDMA.but(operation=HOST_READ)), "cannot tell"),
    Case("host memory of the peer", of(RDMA.but(operation=READ.replace("cuda/dev[0]", "host"))), "cannot tell"),
    Case("an unknown memory", of(RDMA.but(operation=READ.replace("cuda/GPU1", "npu/NPU1"))), "cannot tell", "title"),
    Case("an unknown title", of(RDMA.but(operation="remote memory read of the future")), "cannot tell", "title"),
    Case("an unknown endpoint", of(RDMA.but(endpoint="inter-rack")), "cannot tell"),
    Case("an unknown transport", of(bulk(config="srd/efa_0:1")), "cannot tell", "not known"),
    Case("a word that begins like a good one", of(bulk(config="rc_mlx5x/mlx5_0:1")), "cannot tell"),
    Case("an unknown description", of(bulk("zero-copy flushed")), "cannot tell", "zero-copy flushed"),
    Case("a rendezvous", of(bulk("rendezvous zero-copy read from remote")), "cannot tell"),
    Case("no lanes", of(bulk("no data fetch", "")), "cannot tell"),
    Case("an estimate", of(bulk("(?) zero-copy")), "cannot tell", "estimate"),
    Case("shares below 100", of(bulk(config="50% on rc_mlx5/a:1 and 40% on rc_mlx5/b:1")), "cannot tell", "lanes"),
    Case("shares above 100", of(bulk(config="50% on rc_mlx5/a:1 and 60% on rc_mlx5/b:1")), "cannot tell"),
    Case("shares of paths below 100", of(bulk(config="rc_mlx5/a:1 50% on path0 and 40% on path1")), "cannot tell"),
    Case("a share of one lane", of(bulk(config="50% on rc_mlx5/mlx5_0:1")), "cannot tell"),
    Case("lanes that UCX cut", of(bulk(config=f"{SIX}, 17% on rc_mlx5/mlx5_0"[:127])), "cannot tell"),
    Case("127 characters", of(bulk(config="rc_mlx5/" + "m" * 119)), "cannot tell"),
    Case("cuda_ipc to another node", of(CUDA_IPC.but(endpoint="inter-node")), "cannot tell", "another node"),
    Case("no rows", of(Table(())), "cannot tell", "cut"),
    Case("rows that do not begin at 0", of(Table(RDMA.rows[1:])), "cannot tell"),
    Case("rows that do not end at infinity", of(Table((("0..1G", "zero-copy", "rc_mlx5/a:1"),))), "cannot tell"),
    Case("a gap", of(Table((RDMA.rows[0], RDMA.rows[2]))), "cannot tell", "cut"),
    Case("rows twice", of(Table((*RDMA.rows, RDMA.rows[2]))), "cannot tell"),
    Case("no rule at the end", lambda layout: log(layout, RDMA)[:-1], "cannot tell", "cut"),
    Case("no row that counts", lambda layout: log(layout, RDMA)[:-2], "cannot tell"),
    Case("no title", lambda layout: [line for line in log(layout, RDMA) if "remote memory" not in line], "cannot tell"),
    Case("a last row without its end", lambda layout: [*log(layout, RDMA)[:-2], log(layout, RDMA)[-2][:-20]],
         "cannot tell"),
    Case("the next table's first rule", lambda layout: log(layout, RDMA) + log(layout, TCP)[:1], "cannot tell"),
    Case("a cut title behind it", lambda layout: [*log(layout, RDMA), log(layout, TCP)[0], log(layout, TCP)[1][:60]],
         "cannot tell"),
    Case("used", lambda layout: used(log(layout, RDMA), layout), "cannot tell", "used"),
    Case("a second process without a table", lambda layout: log(layout, RDMA) + log(layout, MESSAGES, pid=312),
         "cannot tell", "1 of 2 processes"),
    Case("its beginning is gone", lambda layout: log(layout, TCP, RDMA)[4:], "cannot tell"),
]  # fmt: skip


@every_layout
@pytest.mark.parametrize("case", [*VERIFIED, *NOT_VERIFIED, *UNKNOWN], ids=lambda case: case.name)
def test_the_verdict(case: Case, layout: str) -> None:
    found = rdma(case.lines(layout))
    assert found.outcome == case.outcome, found.reason
    assert case.says in found.reason


TCP_CASES = [
    Case("TCP", of(TCP), "verified", "tcp, as kvTransfer declares (slow)"),
    Case("two kinds of peers", of(TCP, TCP.but(endpoint="intra-node", number=3)), "verified"),
    Case("RDMA", of(RDMA), "not verified", "kvTransfer is tcp"),
    Case("GPU to GPU", of(CUDA_IPC), "not verified"),
    Case("shared memory", of(bulk("software emulation", "sysv/memory", "0")), "not verified"),
    Case("mixed", of(bulk("zero-copy", "9% on tcp/d0, 84% on cma/memory and 7% on tcp/d1")), "not verified"),
    Case("both", of(TCP, RDMA), "not verified"),
    Case("a refused read", error(ERROR.format("cuda", "cuda")), "not verified"),
    Case("no table", of(MESSAGES), "cannot tell"),
    Case("cut", lambda layout: log(layout, TCP)[:-1], "cannot tell"),
    Case("an unknown transport", of(bulk("software emulation", "srd/efa")), "cannot tell"),
    Case("an unknown description", of(bulk("carrier pigeon", "tcp/eth0")), "cannot tell"),
    Case("host memory", of(TCP.but(operation=HOST_READ)), "cannot tell"),
]


@every_layout
@pytest.mark.parametrize("case", TCP_CASES, ids=lambda case: case.name)
def test_where_tcp_is_declared_tcp_must_be_found(case: Case, layout: str) -> None:
    found = judge_log(case.lines(layout), Transport.TCP)
    assert found.outcome == case.outcome, found.reason
    assert case.says in found.reason


@every_layout
def test_every_rank_needs_a_table_of_its_own(layout: str) -> None:
    ranks = [line for pid in range(300, 308) for line in log(layout, MESSAGES, RDMA, pid=pid)]
    assert rdma(ranks, 8) == Finding(rdma(ranks, 8).outcome.VERIFIED, "8 of 8 ranks read KV cache over rc_mlx5 (RDMA)")
    assert rdma(ranks, 9).outcome == "cannot tell"
    assert "8 of 9 ranks" in rdma(ranks, 9).reason
    # A parent that talks to itself only is no rank; --ranks says so.
    parent = log(layout, MESSAGES.but(endpoint="self"), pid=299)
    assert rdma([*parent, *ranks], 8).outcome == "verified"
    bad = log(layout, TCP, pid=308)
    assert rdma([*ranks, *bad], 8).outcome == "not verified"


@every_layout
def test_two_threads_of_a_process_are_one_rank(layout: str) -> None:
    lines = log(layout, RDMA, thread="0") + log(layout, RDMA, thread="1")
    assert rdma(lines, 2).outcome == "cannot tell"


def test_a_row_may_not_be_made_whole_by_the_end_of_another_processes_row() -> None:
    """Both lines were cut at the same column: the physical line looks like a good row of the first process."""
    bad, good = log("1.21", TCP, pid=311), log("1.21", RDMA, pid=312)
    cut = bad[3].index("software")
    glued = [
        *bad[:3],
        bad[3][:cut] + "zero-copy | rc_mlx5/mlx5_0:1 |",
        bad[4],
        *good,
        "software emulation | tcp/eth0 |",
    ]
    assert rdma(glued).outcome == "cannot tell"


# Everything that UCX may print, good and bad, as the parts of a log.
_BAD = (
    TCP,
    bulk("copy-out"),
    bulk("software emulation"),
    bulk(config="tcp/eth0"),
    bulk(config="84% on rc_mlx5/a:1 and 16% on tcp/d0"),
)
_GOOD = (RDMA, CUDA_IPC, bulk(), MESSAGES, TCP.but(operation=HOST_READ), TCP.but(endpoint="self"))
_pieces = st.lists(st.sampled_from(_GOOD), min_size=1, max_size=5)


@given(st.sampled_from(sorted(LAYOUTS)), _pieces, st.sampled_from(_BAD), st.integers(0, 5), st.integers(1, 99999))
def test_one_bad_row_anywhere_is_never_verified(layout: str, good: list[Table], bad: Table, at: int, pid: int) -> None:
    tables = [*good[:at], bad, *good[at:]]
    assert rdma(log(layout, *tables, pid=pid)).outcome == "not verified"


@settings(max_examples=200)
@given(st.sampled_from(sorted(LAYOUTS)), _pieces, st.sampled_from(_BAD), st.data())
def test_a_log_that_is_cut_is_never_verified_once_a_bad_table_began(
    layout: str, good: list[Table], bad: Table, data: st.DataObject
) -> None:
    """Cut at any character behind the first one of the bad table's text, at the end or at the beginning."""
    before, tables = "\n".join(log(layout, *good)) + "\n", log(layout, bad.but(number=9))
    text = "\n".join(tables)
    begun = len(tables[0].partition("]   ")[0]) + 5
    end = data.draw(st.integers(begun, len(text)))
    assert rdma((before + text[:end]).splitlines()).outcome != "verified"
    # What is left of the bad table still has the row that is bad.
    start = data.draw(st.integers(1, len(text) - len(tables[-1]) - len(tables[-2]) // 2))
    assert rdma((text[start:] + "\n" + before).splitlines()).outcome != "verified"


@settings(max_examples=200)
@given(st.sampled_from(sorted(LAYOUTS)), st.sampled_from((RDMA, CUDA_IPC, bulk())), st.data())
def test_a_good_table_that_lost_a_line_is_not_verified(layout: str, table: Table, data: st.DataObject) -> None:
    lines = log(layout, table)
    lost = data.draw(st.integers(0, len(lines) - 1))
    assert rdma([*lines[:lost], *lines[lost + 1 :]]).outcome != "verified"


@settings(max_examples=200)
@given(st.sampled_from(sorted(LAYOUTS)), st.sampled_from((RDMA, TCP, bulk())), st.data())
def test_pieces_of_text_put_in_anywhere_make_no_bad_log_good(layout: str, table: Table, data: st.DataObject) -> None:
    """Others write into the same pipe: noise in mid-line may hide a good table, and never a bad one."""
    text = "\n".join(log(layout, table, TCP.but(number=4)))
    noise = st.sampled_from(["2026-01-01 NIXL INFO agent\n", "\n", "\r", "50%|██ | 3/7", "| x |", "+--+", "zero-copy"])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(noise) + text[at:]
    assert rdma(text.splitlines()).outcome != "verified"


def test_threads_in_any_order_give_the_same_verdict() -> None:
    streams = [log("1.21", MESSAGES, RDMA, pid=pid, thread=t) for pid in (311, 312) for t in ("0", "a")]
    wanted = rdma([line for stream in streams for line in stream])
    rng = random.Random(7)
    for _ in range(50):
        left = [list(stream) for stream in streams]
        mixed: list[str] = []
        while any(left):
            mixed.append(rng.choice([stream for stream in left if stream]).pop(0))
        assert rdma(mixed) == wanted
    assert wanted.outcome == "verified"


def test_a_long_log_is_read_in_passing() -> None:
    """A hundred thousand lines, from a generator that keeps none."""
    noise = (f"INFO request {n} took {n % 97} ms" for n in range(100_000))
    started = time.monotonic()
    assert rdma([*noise, *log("1.22", RDMA)]).outcome == "verified"
    assert time.monotonic() - started < 10


def test_words_of_the_log_forge_no_line_of_the_report() -> None:
    table = bulk("zero-copy\x1b[2K\x85verified  other: fine", "rc_mlx5/a:1")
    reason = rdma(log("1.22", table)).reason
    assert "\x1b" not in reason
    assert len(reason.splitlines()) == 1


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, Sequence[str]], str]:
    def save(pod: str, lines: Sequence[str]) -> str:
        path = tmp_path / f"{pod}.log"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return f"{pod}={path}"

    return save


Save = Callable[[str, Sequence[str]], str]


def test_saved_logs_of_which_all_are_good(saved: Save, capsys: pytest.CaptureFixture[str]) -> None:
    words = [saved("decode-0", log("1.21", RDMA)), saved("decode-1", log("1.22", RDMA))]
    assert main(["--transport-log", *words]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "verified      decode-0: 1 process reads KV cache over rc_mlx5 (RDMA).",
        "verified      decode-1: 1 process reads KV cache over rc_mlx5 (RDMA).",
    ]


def test_one_entry_a_pod_as_json(saved: Save, capsys: pytest.CaptureFixture[str]) -> None:
    words = [saved("a", log("1.22", RDMA)), saved("b", log("1.22", TCP)), saved("c", [])]
    assert main(["--transport-log", *words, "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["verified"] is False
    assert [(entry["pod"], entry["verdict"]) for entry in printed["pods"]] == [
        ("a", "verified"),
        ("b", "not verified"),
        ("c", "cannot tell"),
    ]
    assert all(entry["reason"] for entry in printed["pods"])


def test_tcp_and_ranks_as_options(saved: Save) -> None:
    word = saved("decode-0", log("1.22", TCP))
    assert main(["--transport-log", word, "--transport", "tcp", "--ranks", "1"]) == 0
    assert main(["--transport-log", word, "--transport", "tcp", "--ranks", "2"]) == 1


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("decode-0={folder}/none.log", "there is no such file"),
        ("decode-0={folder}", "is a directory"),
        ("decode-0={folder}/utf16.log", "is not UTF-8 text"),
        ("decode-0", "is not of the form POD=FILE"),
        ("decode-0=", "is not of the form POD=FILE"),
        ("=x.log", "is not of the form POD=FILE"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_cannot_be_judged_is_a_sentence(
    word: str, says: str, as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "utf16.log").write_text("\n".join(log("1.22", RDMA)), encoding="utf-16")
    with pytest.raises(SystemExit) as stopped:
        main(["--transport-log", word.format(folder=tmp_path), *(["--json"] if as_json else [])])
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert "Traceback" not in printed.err
    if as_json:
        assert says in json.loads(printed.out)["error"]
    else:
        assert not printed.out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--transport-log"],
        ["--transport-log", "a=b", "--endpoint", "http://x"],
        ["--transport-log", "a=b", "--ranks", "0"],
        ["--transport-log", "a=b", "--transport", "ib"],
    ],
)
def test_arguments_that_contradict_each_other(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_pod_has_one_log(saved: Save, capsys: pytest.CaptureFixture[str]) -> None:
    word = saved("decode-0", log("1.22", RDMA))
    with pytest.raises(SystemExit):
        main(["--transport-log", word, word])
    assert "decode-0 is given twice" in capsys.readouterr().err
