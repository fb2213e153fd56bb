"""Command lines against the table of the runtime's flags."""

import pytest

from catalog import flags, releases
from catalog.engines import engine
from tests.command_lines import (
    BEGINNING,
    GOOD,
    REFUSED_BY_BOTH,
    REFUSED_BY_CHECKER,
    TABLES,
    Bad,
    Line,
    errors,
    every_rendered,
)


@pytest.mark.parametrize("bad", [*REFUSED_BY_BOTH, *REFUSED_BY_CHECKER], ids=lambda bad: bad.name)
def test_a_mistake_is_one_error_at_its_word(bad: Bad) -> None:
    (error,) = errors(bad.line)
    assert error.index == len(BEGINNING[bad.module]) + bad.at
    assert bad.says in error.message


@pytest.mark.parametrize("line", GOOD, ids=lambda line: " ".join(line[1][-2:]))
def test_what_the_runtime_takes_is_taken(line: Line) -> None:
    assert errors(line) == []


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in every_rendered()])
def test_every_rendered_line_is_taken(line: Line) -> None:
    assert errors(line) == []


def test_all_errors_are_reported_together() -> None:
    given = ["64", "--max-num-seqs", "x", "--nope", "--kv-transfer-config", '{"a": 1, "kv_role": "b"}']
    assert [error.index for error in flags.errors(TABLES["dynamo.vllm"], given)] == [0, 2, 3, 5, 5]


def test_a_flag_of_ones_own_is_refused_under_each_of_its_names() -> None:
    owned = {"--tensor-parallel-size": "use `tensorParallel`"}
    for spelling in ("--tensor-parallel-size", "-tp", "--tensor-parallel-size=2"):
        (error,) = flags.errors(TABLES["dynamo.vllm"], [spelling], owned=owned)
        assert error.message.endswith("is not set here: use `tensorParallel`")


def test_a_line_of_ours_that_is_wrong_is_not_rendered() -> None:
    with pytest.raises(flags.CommandLineRefused, match=r"python3 -m dynamo\.mocker: --modle-path is not a flag"):
        flags.checked(TABLES["dynamo.mocker"], ("--modle-path", "m"))
    assert flags.checked(TABLES["dynamo.mocker"], ("--model-path", "m")) == ("--model-path", "m")


def test_the_tables_are_of_the_version_that_is_deployed() -> None:
    assert {table.runtime["Dynamo"] for table in TABLES.values()} == {releases.dynamo().runtime}
    for name, pins in releases.pins(releases.dynamo().runtime).items():
        table = engine(name).flags
        assert table
        assert table.runtime[engine(name).title] == pins.version


def test_no_two_flags_of_a_module_share_a_spelling() -> None:
    for module, table in TABLES.items():
        spellings = [word for f in table.flags.values() for word in (f.name, *f.aliases, *f.negative, *f.obsolete)]
        assert len(spellings) == len(set(spellings)), module
