"""The parser of UCX's tables and the generator of tables, both against real logs."""

import re
from pathlib import Path

import pytest

from tests import ucx_tables
from tests.ucx_tables import LAYOUTS
from workloads.jobs.verify.transport import Transport, judge_log
from workloads.jobs.verify.ucx import Parser, without_gaps
from workloads.jobs.verify.ucx_events import Damage, Refusal, Table

LOGS = Path(__file__).parent.parent / "data" / "ucx"
WHOLE = {
    "tcp-read-write-1.21": "1.21",
    "tcp-read-write-1.22": "1.22",
    "shared-memory-two-ranges-1.22": "1.22",
    "mixed-lanes-write-1.22": "1.22",
}
# UCX must not emulate reads, and has only tcp.
REFUSED = "refused-read-1.22"
NAMES = sorted(path.stem for path in LOGS.glob("*.log"))


def lines_of(name: str) -> list[str]:
    return (LOGS / f"{name}.log").read_text(encoding="utf-8").splitlines()


def parsed(lines: list[str]) -> tuple[list[Table], list[Damage]]:
    parser = Parser()
    events = [event for line in lines for event in parser.feed(line)] + list(parser.close())
    return [e for e in events if isinstance(e, Table)], [e for e in events if isinstance(e, Damage)]


def bodies(lines: list[str]) -> list[str]:
    """Table lines without their prefixes."""
    found = (re.fullmatch(r"\[[\d.]+\] \[[^\]]+\]   ([+|].*)", line) for line in lines)
    return [match[1] for match in found if match]


def size(number: int | None) -> str:
    if number is None:
        return "inf"
    units = iter(("", "K", "M", "G"))
    unit = next(units)
    while number >= 1024 and number % 1024 == 0:
        number, unit = number // 1024, next(units)
    return f"{number}{unit}"


def again(table: Table, layout: str) -> list[str]:
    """A parsed table as the generator prints it."""
    rows = [
        (
            size(row.start) if row.start == row.end else f"{size(row.start)}..{size(row.end)}",
            ("(?) " if row.estimated else "") + row.description,
            row.config,
        )
        for row in table.rows
    ]
    return LAYOUTS[layout](ucx_tables.Table(rows, table.operation, table.endpoint, number=_NUMBERS[table.endpoint]))


_NUMBERS = {"self": 0, "intra-node": 1}


def test_the_logs_exist() -> None:
    assert set(NAMES) == {*WHOLE, REFUSED, "two-readers-buffered-stdout-1.21"}


@pytest.mark.parametrize("name", WHOLE)
def test_every_table_of_a_real_log_is_read_whole(name: str) -> None:
    lines = lines_of(name)
    tables, damage = parsed(lines)
    assert not damage
    assert len(tables) == sum("cfg#" in line and "|" in line for line in lines)
    assert all(table.whole and without_gaps(table.rows) and table.endpoint for table in tables)


@pytest.mark.parametrize("name", WHOLE)
def test_the_generator_prints_the_tables_of_real_logs_to_the_letter(name: str) -> None:
    """The generated layouts of other tests are UCX's layouts."""
    tables, _ = parsed(lines_of(name))
    real = "\n".join(bodies(lines_of(name)))
    assert len(tables) > 15
    for table in tables:
        assert "\n".join(again(table, WHOLE[name])) in real


def test_a_refused_read_leaves_a_table_without_rows() -> None:
    parser = Parser()
    events = [event for line in lines_of(REFUSED) for event in parser.feed(line)] + list(parser.close())
    (refusal,) = [event for event in events if isinstance(event, Refusal)]
    (table,) = [event for event in events if isinstance(event, Table)]
    assert (refusal.local, refusal.remote) == ("host", "host")
    assert (table.rows, table.whole) == ((), False)
    assert bodies(lines_of(REFUSED)) == LAYOUTS["1.22"](
        ucx_tables.Table((), ucx_tables.HOST_READ, "intra-node", number=1)
    )
    # Between GPUs the same log would be a refusal of KV cache.
    of_gpus = [
        line.replace("into host memory from host", "into cuda/GPU0 from cuda/dev[0]").replace(
            "get into host from host", "get into cuda from cuda"
        )
        for line in lines_of(REFUSED)
    ]
    assert judge_log(of_gpus, Transport.RDMA).outcome == "not verified"


def test_of_two_processes_glued_together_the_missing_tables_are_noticed() -> None:
    tables, damage = parsed(lines_of("two-readers-buffered-stdout-1.21"))
    assert len({table.process.pid for table in tables}) == 2
    assert any("joined" in found.what for found in damage)
    assert not any(table.operation.startswith("remote memory read") for table in tables)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("expected", Transport)
def test_a_real_log_without_gpus_is_inconclusive(name: str, expected: Transport) -> None:
    """These logs read host memory over TCP or shared memory, which is not KV cache."""
    assert judge_log(lines_of(name), expected).outcome == "cannot tell"


@pytest.mark.parametrize("name", NAMES)
def test_the_time_that_kubernetes_puts_in_front_changes_nothing(name: str) -> None:
    stamped = [f"2026-11-28T09:30:{n % 60:02}.123456789Z {line}" for n, line in enumerate(lines_of(name))]
    assert parsed(stamped) == parsed(lines_of(name))


def test_threads_that_interleave_line_by_line_are_distinguished() -> None:
    one = ucx_tables.log("1.21", ucx_tables.RDMA, pid=311)
    other = ucx_tables.log("1.21", ucx_tables.TCP.but(number=3), pid=12345, thread="a")
    mixed = [line for pair in zip(one, [*other, "", ""], strict=True) for line in pair]
    tables, damage = parsed(mixed)
    assert not damage
    assert {(t.process.pid, len(t.rows), t.whole) for t in tables} == {(311, 3, True), (12345, 1, True)}


def test_text_without_an_end_of_line_may_stand_before_a_table() -> None:
    """A progress bar returns to the start of its line instead of ending it."""
    first, *rest = ucx_tables.log("1.22", ucx_tables.RDMA)
    tables, damage = parsed([f"\rCapturing graphs:  50%|█████     | 3/7 [00:01<00:01]{first}", *rest])
    assert not damage
    assert [table.whole for table in tables] == [True]


@pytest.mark.parametrize(
    "line", ["| Model | models/llama |", "+-----+", "| N/A 34C P0 71W / 700W |", "throughput: [12.5]", "100%|█| 4/4"]
)
def test_what_others_print_is_no_damage(line: str) -> None:
    tables, damage = parsed([line, *ucx_tables.log("1.21", ucx_tables.RDMA), line])
    assert not damage
    assert [table.whole for table in tables] == [True]


def test_lines_of_any_length_take_bounded_time() -> None:
    for line in ("a" * 10**6, "a/" * 10**6, "| get" * 10**6, "[1] [" * 10**5, "[1795865496.1] [h:1:0] " + "|a" * 10**6):
        parsed([line])
