"""The tables of flags, the checker and every rendered command line against each runtime's own parsers.

`make contract` makes vLLM's environment. The others are large: `make engine-flags ENGINE=NAME` makes one, and without
it the tests of its modules are skipped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pytest

from ops.local.errors import LocalRunError
from tests.command_lines import GOOD, REFUSED_BY_BOTH, REFUSED_BY_CHECKER, Bad, Line, errors, every_flag, every_rendered
from tools.engine_flags import RUNTIMES, ask, path

RENDERED = every_rendered()
EVERY_FLAG = list(every_flag())
MODULES = [module for runtime in RUNTIMES.values() for module in runtime.modules]


@dataclass(frozen=True)
class Said:
    """What a runtime's parsers said: their tables as they would be written, and why they refuse a line, or None."""

    tables: Mapping[str, str]
    verdicts: Mapping[Line, str | None]


@cache
def _said(name: str) -> Said | LocalRunError:
    """All lines in one process of the runtime, since its import takes long."""
    runtime = RUNTIMES[name]
    lines = [line for _, line in RENDERED] + GOOD + [bad.line for bad in (*REFUSED_BY_BOTH, *REFUSED_BY_CHECKER)]
    lines += [line for _, right, wrong in EVERY_FLAG for line in (right, wrong)]
    lines = [line for line in lines if line[0] in runtime.modules]
    try:
        answer = ask(runtime, lines)
    except LocalRunError as error:
        return error
    return Said(tables=answer.tables, verdicts=dict(zip(lines, answer.verdicts, strict=True)))


def said(module: str) -> Said:
    """What the runtime of a module said. Skips the test where its environment was not made."""
    (name,) = (name for name, runtime in RUNTIMES.items() if module in runtime.modules)
    if not RUNTIMES[name].environment.is_complete:
        pytest.skip(f"no environment with {module}'s parser; `make engine-flags ENGINE={name}` makes it")
    found = _said(name)
    if isinstance(found, LocalRunError):
        raise found
    return found


def verdict(line: Line) -> str | None:
    return said(line[0]).verdicts[line]


@pytest.mark.parametrize("module", MODULES)
def test_the_committed_table_is_what_the_parser_says(module: str) -> None:
    committed = path(module).read_text(encoding="utf-8")
    assert committed == said(module).tables[module], "run `make engine-flags` and read the diff"


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in RENDERED])
def test_the_runtime_takes_every_rendered_line(line: Line) -> None:
    assert verdict(line) is None


@pytest.mark.parametrize("line", GOOD, ids=lambda line: " ".join(line[1][-2:]))
def test_the_runtime_takes_what_the_checker_takes(line: Line) -> None:
    assert errors(line) == []
    assert verdict(line) is None


@pytest.mark.parametrize("bad", REFUSED_BY_BOTH, ids=lambda bad: bad.name)
def test_the_runtime_refuses_what_the_checker_refuses(bad: Bad) -> None:
    assert errors(bad.line)
    assert verdict(bad.line)


@pytest.mark.parametrize("bad", REFUSED_BY_CHECKER, ids=lambda bad: bad.name)
def test_where_the_checker_is_stricter_the_runtime_is_not(bad: Bad) -> None:
    """When this fails, the runtime has become stricter: the case belongs to those that both refuse."""
    assert errors(bad.line)
    assert verdict(bad.line) is None


@pytest.mark.parametrize("module", MODULES)
def test_both_refuse_a_value_of_the_wrong_form_for_any_flag(module: str) -> None:
    of_module = [(name, wrong) for name, _, wrong in EVERY_FLAG if wrong[0] == module]
    assert len(of_module) > 50
    assert [name for name, wrong in of_module if not errors(wrong) or verdict(wrong) is None] == []


@pytest.mark.parametrize("module", MODULES)
def test_both_take_a_value_of_the_right_form_for_any_flag(module: str) -> None:
    """The runtime may still want another flag beside it; argparse's own complaint is another matter."""
    of_module = [(name, right) for name, right, _ in EVERY_FLAG if right[0] == module]
    assert [name for name, right in of_module if errors(right) or ": error: " in (verdict(right) or "")] == []
