"""The programs of the rehearsals. Without them every test here is skipped, and the summary says so first."""

import pytest

from ops.rehearsal.programs import Programs, ProgramsMissing, find

NOT_REHEARSED = "not rehearsed: "


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The programs of this machine; skips the test without them."""
    try:
        return find()
    except ProgramsMissing as missing:
        pytest.skip(f"{NOT_REHEARSED}{missing}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says in one red line that nothing was rehearsed: a skipped test looks like a passed one in a long log."""
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    reasons = {str(report.longrepr) for report in skipped if NOT_REHEARSED in str(report.longrepr)}
    if reasons:
        sentence = reasons.pop().partition(NOT_REHEARSED)[2].rstrip("')")
        terminalreporter.section("NOT REHEARSED", sep="=", red=True, bold=True)
        terminalreporter.line(sentence, red=True)
