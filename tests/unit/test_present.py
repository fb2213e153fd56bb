"""What a preview prints of violations."""

from ops.offline.verdicts import Verdict
from ops.report.present import _violations  # pyright: ignore[reportPrivateUsage]


def verdict(resource: str, message: str = "has no label owner") -> Verdict:
    return Verdict(
        policy="labelled", level="mandatory", urn=f"urn:x::{resource}" if resource else "", message=message, remedy=""
    )


def test_a_violation_is_printed_once_however_many_resources_have_it() -> None:
    found = [verdict("a"), verdict("b"), verdict("", "other"), verdict("c"), verdict("d"), verdict("e")]
    assert list(_violations(found)) == [
        "mandatory labelled: has no label owner (a, b, c and 2 more)",
        "mandatory labelled: other (the whole stack)",
    ]
    assert list(_violations([])) == []
