"""The table of flags, the checker and every rendered command line against the runtime's own parsers."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.command_lines import GOOD, REFUSED_BY_BOTH, REFUSED_BY_CHECKER, Bad, Line, errors, every_flag, every_rendered
from tools.engine_flags import VLLM, ask, path

RENDERED = every_rendered()
EVERY_FLAG = list(every_flag())


@dataclass(frozen=True)
class Runtime:
    """What the parsers said: their tables as they would be written, and why they refuse a line, or None."""

    tables: Mapping[str, str]
    verdicts: Mapping[Line, str | None]


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    """All lines in one process of the runtime, since its import takes long."""
    if not VLLM.is_made:
        pytest.skip("the runtime's environment is not made here; `make contract` makes it")
    lines = [line for _, line in RENDERED] + GOOD + [bad.line for bad in (*REFUSED_BY_BOTH, *REFUSED_BY_CHECKER)]
    lines += [line for _, right, wrong in EVERY_FLAG for line in (right, wrong)]
    answer = ask(lines)
    return Runtime(tables=answer.tables, verdicts=dict(zip(lines, answer.verdicts, strict=True)))


def test_the_committed_tables_are_what_the_parsers_say(runtime: Runtime) -> None:
    committed = {module: path(module).read_text(encoding="utf-8") for module in runtime.tables}
    assert committed == runtime.tables, "run `make engine-flags` and read the diff"


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in RENDERED])
def test_the_runtime_takes_every_rendered_line(runtime: Runtime, line: Line) -> None:
    assert runtime.verdicts[line] is None


@pytest.mark.parametrize("line", GOOD, ids=lambda line: " ".join(line[1][-2:]))
def test_the_runtime_takes_what_the_checker_takes(runtime: Runtime, line: Line) -> None:
    assert errors(line) == []
    assert runtime.verdicts[line] is None


@pytest.mark.parametrize("bad", REFUSED_BY_BOTH, ids=lambda bad: bad.name)
def test_the_runtime_refuses_what_the_checker_refuses(runtime: Runtime, bad: Bad) -> None:
    assert errors(bad.line)
    assert runtime.verdicts[bad.line]


@pytest.mark.parametrize("bad", REFUSED_BY_CHECKER, ids=lambda bad: bad.name)
def test_where_the_checker_is_stricter_the_runtime_is_not(runtime: Runtime, bad: Bad) -> None:
    """When this fails, the runtime has become stricter: the case belongs to those that both refuse."""
    assert errors(bad.line)
    assert runtime.verdicts[bad.line] is None


def test_both_refuse_a_value_of_the_wrong_form_for_any_flag(runtime: Runtime) -> None:
    assert len(EVERY_FLAG) > 400
    taken = [name for name, _, wrong in EVERY_FLAG if not errors(wrong) or runtime.verdicts[wrong] is None]
    assert taken == []


def test_both_take_a_value_of_the_right_form_for_any_flag(runtime: Runtime) -> None:
    """The runtime may still want another flag beside it; argparse's own complaint is another matter."""
    refused = [name for name, right, _ in EVERY_FLAG if errors(right)]
    refused += [name for name, right, _ in EVERY_FLAG if ": error: " in (runtime.verdicts[right] or "")]
    assert refused == []
