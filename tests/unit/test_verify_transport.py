"""The verdict on the log of a decode pod: every case of UCX's tables, in both layouts."""

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
from workloads.jobs.verify.__main__ import command_line, main
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
COULD_TCP = "     ucp_worker.c:1991 UCX  INFO    ucp_context_0 inter-node cfg#2 rma(tcp/eth0)  am(tcp/eth0)"
VERSION = "     ucp_context.c:2725 UCX  INFO  Version 1.22.0 (loaded from /opt/nixl/lib/libucp.so.0)"
UNSERVED = "    proto_reconfig.c:93   UCX  ERROR cannot find remote protocol for: ucp_context_0 inter-node cfg#2 | {}"


def error(text: str) -> Lines:
    return lambda layout: log(layout, RDMA) + printed([text])


def used(lines: list[str], layout: str) -> list[str]:
    """The table as UCX prints it at exit, with a usage count first."""
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
    Case("GPU to GPU on the node", of(CUDA_IPC), "verified", "cuda_ipc (NVLink or PCIe within the node, not RDMA)"),
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
    *(
        Case(f"the title {title}", of(TCP.but(operation=title)), "cannot tell", "title")
        for title in (READ[1:], READ.replace("memory read", "memory  read"), READ.capitalize(),
                      READ.replace("_get", "get"), f"active message by ucp_am_send* {READ}",
                      "remote memory move by ucp_move* into cuda/GPU1",
                      "into cuda from cuda", "")
    ),
    Case("an unknown operation beside it", of(RDMA, TCP.but(operation=READ[1:])), "cannot tell", "title"),
    Case("a process without any table", lambda layout: log(layout, RDMA) + printed([COULD_TCP], pid=312), "cannot tell",
         "1 of 2 processes"),
    Case("a process that only started", lambda layout: printed([VERSION], pid=310) + log(layout, RDMA), "cannot tell",
         "1 of 2 processes"),
    *(
        Case(f"digits of another script in {text}", of(Table(((rows, "zero-copy", lanes),))), "cannot tell")
        for text, rows, lanes in (
            ("a range", "\uff10..inf", "rc_mlx5/a:1"), ("another range", "\u0660..inf", "rc_mlx5/a:1"),
            ("a share", "0..inf", "\uff15\uff10% on rc_mlx5/a:1 and 50% on rc_mlx5/b:1"),
            ("paths", "0..inf", "rc_mlx5/a:1 50% on path\uff10 and 50% on path1"),
            ("shares of paths", "0..inf", "rc_mlx5/a:1 \u0665\u0660% on path0 and 50% on path1"),
        )
    ),
    Case("a space that UCX does not print", of(bulk("zero-copy\u00a0")), "cannot tell"),
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
    # A parent process that only talks to itself is not a rank; --ranks excludes it.
    parent = log(layout, MESSAGES.but(endpoint="self"), pid=299)
    assert rdma([*parent, *ranks], 8).outcome == "verified"
    more = rdma(ranks, 7)
    assert (more.outcome, "8 processes" in more.reason, "7 ranks" in more.reason) == ("cannot tell", True, True)
    bad = log(layout, TCP, pid=308)
    assert rdma([*ranks, *bad], 8).outcome == "not verified"


@every_layout
def test_two_threads_of_a_process_are_one_rank(layout: str) -> None:
    lines = log(layout, RDMA, thread="0") + log(layout, RDMA, thread="1")
    assert rdma(lines, 2).outcome == "cannot tell"


def test_a_row_may_not_be_made_whole_by_the_end_of_another_processes_row() -> None:
    """Both lines are cut at the same column, so the joined line looks like a good row of the first process."""
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


# --- untrusted text in the log --------------------------------------------------------------------------------------


def in_one_line(lines: Sequence[str], before: str = "INFO Received request: prompt: '", between: str = "") -> str:
    return before + between.join(lines) + "'"


@every_layout
@pytest.mark.parametrize("table", [RDMA, TCP], ids=["good", "bad"])
@pytest.mark.parametrize("between", ["", " ", "\\n", "\r", "\t", "\x1b[1G"])
@pytest.mark.parametrize(
    "before",
    ["INFO Received request: prompt: '", '{"log": "', "2026-11-28T09:30:00.123456789Z INFO prompt='", "x", "\r50%\r x ",
     "INFO prompt: 100%|x| 3/3 [00:01<00:01]", "\r'100%|x| 3/3 [00:01<00:01]", "(Worker pid=311) "],
)  # fmt: skip
def test_a_prompt_in_the_log_forges_no_verdict(layout: str, table: Table, between: str, before: str) -> None:
    line = in_one_line(log(layout, table, pid=1), before, between)
    for lines in ([line], [line, *log(layout, MESSAGES)], [*log(layout, RDMA), line]):
        found = rdma(lines)
        assert found.outcome == "cannot tell", found.reason
        assert "follows other text" in found.reason
    # A bad table stays bad.
    assert rdma([line, *log(layout, TCP)]).outcome == "not verified"


def test_a_refusal_in_a_prompt_is_no_refusal() -> None:
    found = rdma([*log("1.22", RDMA), in_one_line(printed([ERROR.format("cuda", "cuda")], pid=1))])
    assert (found.outcome, "follows other text" in found.reason) == ("cannot tell", True)


def test_a_row_of_two_processes_in_one_line_counts_for_neither_as_good() -> None:
    first, second = log("1.21", RDMA, pid=311), log("1.21", RDMA, pid=312)
    glued = [*first[:-1], first[-1] + second[0], *second[1:]]
    assert rdma(glued).outcome == "cannot tell"


@pytest.mark.parametrize(
    "before",
    [
        "2026-11-28T09:30:00.123456789Z ",
        "2026-11-28T09:30:00.123456789+02:00 ",
        "[pod/chat-decode-0/main] ",
        "[pod/chat-decode-0/main] 2026-11-28T09:30:00Z ",
        "\x1b[0m",
        "\x1b[32m\x1b[1m",
        "\r",
    ],
)
@every_layout
def test_what_kubectl_and_terminals_put_in_front_changes_nothing(layout: str, before: str) -> None:
    for table, outcome in ((RDMA, "verified"), (TCP, "not verified"), (TCP.but(operation=READ[1:]), "cannot tell")):
        lines = [before + line for line in log(layout, table)]
        assert rdma(lines).outcome == outcome


@every_layout
def test_a_color_in_a_title_hides_no_table(layout: str) -> None:
    lines = [
        line.replace("remote", "\x1b[1mremote").replace("emulation", "\x1b[31memulation") for line in log(layout, TCP)
    ]
    assert rdma(lines).outcome == "not verified"


def test_a_message_behind_a_progress_bar_is_no_damage() -> None:
    """Progress bars do not end a line, and the list of transports is not a protocol table, so no table is lost."""
    lines = [f"Loading:  50%|##   | 1/2 [00:01<00:01, 1.00it/s]{printed([COULD])[0]}", *log("1.22", RDMA)]
    assert rdma(lines).outcome == "verified"


# All kinds of UCX output, good and bad, as parts of a log.
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
    """The log is cut after any character of the bad table's text, at its end or at its beginning."""
    before, tables = "\n".join(log(layout, *good)) + "\n", log(layout, bad.but(number=9))
    text = "\n".join(tables)
    begun = len(tables[0].partition("]   ")[0]) + 5
    end = data.draw(st.integers(begun, len(text)))
    assert rdma((before + text[:end]).splitlines()).outcome != "verified"
    # The rest of the bad table still has the bad row.
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
    """Other writers share the pipe: noise within a line may hide a good table, but never a bad one."""
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
    """A log of a hundred thousand lines, from a generator that keeps none."""
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
        f"verified      decode-{n}: 1 process reads KV cache over rc_mlx5 (RDMA); "
        "their number is not checked without --ranks."
        for n in (0, 1)
    ]
    assert main(["--transport-log", *words, "--ranks", "1"]) == 0
    assert "1 of 1 ranks read KV cache over rc_mlx5 (RDMA).\n" in capsys.readouterr().out


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
        ("decode-0={folder}/none.log", "the file does not exist"),
        ("decode-0={folder}", "is a directory"),
        ("decode-0", "is not of the form POD=FILE"),
        ("decode-0=", "is not of the form POD=FILE"),
        ("=x.log", "is not of the form POD=FILE"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_cannot_be_judged_is_a_sentence(
    word: str, says: str, as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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


@pytest.mark.parametrize("order", [("bad", "good"), ("good", "bad")])
def test_an_option_given_again_adds_to_it(
    order: tuple[str, str], saved: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"good": saved("good", log("1.22", RDMA)), "bad": saved("bad", log("1.22", TCP))}
    assert main(["--transport-log", words[order[0]], "--transport-log", words[order[1]], "--json"]) == 1
    pods = json.loads(capsys.readouterr().out)["pods"]
    assert {entry["pod"]: entry["verdict"] for entry in pods} == {"good": "verified", "bad": "not verified"}
    given = command_line(
        ["--endpoint", "http://x", "--pods", "a/b", "--roles", "prefill", "--roles", "decode", "--decode", "http://a",
         "--decode", "http://b", "http://c", "--prefill", "http://d", "--worker", "http://e", "--worker", "http://f"]
    )  # fmt: skip
    assert given.roles == ["prefill", "decode"]
    assert given.decode == ["http://a", "http://b", "http://c"]
    assert (given.prefill, given.worker) == (["http://d"], ["http://e", "http://f"])
    # State of one call does not remain for the next.
    assert command_line(["--endpoint", "http://x"]).decode == []


@pytest.mark.parametrize("role", ["prefill", "decode", "worker"])
def test_an_address_counts_once(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--endpoint", "http://x", f"--{role}", "http://a", f"--{role}", "http://a"])
    assert stopped.value.code == 2
    assert f"--{role}: http://a is given twice" in capsys.readouterr().err


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
def test_a_file_is_the_log_of_one_pod(
    link: str, saved: Save, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = saved("decode-0", log("1.22", RDMA))
    file, other = tmp_path / "decode-0.log", tmp_path / "other.log"
    if link == "symbolic":
        other.symlink_to(file)
    elif link == "hard":
        other.hardlink_to(file)
    else:
        other = file
    with pytest.raises(SystemExit) as stopped:
        main(["--transport-log", word, "--transport-log", f"decode-1={other}"])
    assert stopped.value.code == 2
    assert "is also the file of decode-0" in capsys.readouterr().err


@pytest.mark.parametrize("spoiled", [b"\xff", b"\xc3", b"\x00", b"\xe2\x82 caf\xe9"])
def test_a_byte_that_is_no_utf_8_hides_no_pod(
    spoiled: bytes, saved: Save, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [saved("good", log("1.22", RDMA)), saved("bad", log("1.22", TCP)), saved("none", [])]
    for pod in ("good", "bad", "none"):
        path = tmp_path / f"{pod}.log"
        path.write_bytes(b"INFO " + spoiled + b"\n" + path.read_bytes())
    utf_16 = tmp_path / "utf-16.log"
    utf_16.write_text("\n".join(log("1.22", TCP)), encoding="utf-16")
    assert main(["--transport-log", *words, f"utf-16={utf_16}", "--json"]) == 1
    assert [(entry["pod"], entry["verdict"]) for entry in json.loads(capsys.readouterr().out)["pods"]] == [
        ("good", "verified"),
        ("bad", "not verified"),
        ("none", "cannot tell"),
        ("utf-16", "cannot tell"),
    ]


def test_in_a_saved_log_a_carriage_return_ends_no_line(saved: Save) -> None:
    forged = saved("forged", [in_one_line(log("1.22", RDMA, pid=1), between="\r")])
    windows = saved("windows", [f"{line}\r" for line in log("1.22", RDMA)])
    bar = "\rCapturing graphs:  50%|█████     | 3/7 [00:01<00:01]"
    behind = saved("behind", [bar + line if n == 0 else line for n, line in enumerate(log("1.22", RDMA))])
    assert [main(["--transport-log", word]) for word in (forged, windows, behind)] == [1, 0, 0]


@pytest.mark.parametrize("words", [["--ranks", "\u0663"], ["--timeout", "\uff11"]])
def test_numbers_are_ascii(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--endpoint", "http://x", *words])
    assert stopped.value.code == 2
    assert "is not a number of" in capsys.readouterr().err


def test_a_pod_has_one_log(saved: Save, capsys: pytest.CaptureFixture[str]) -> None:
    word = saved("decode-0", log("1.22", RDMA))
    with pytest.raises(SystemExit):
        main(["--transport-log", word, word])
    assert "decode-0 is given twice" in capsys.readouterr().err
