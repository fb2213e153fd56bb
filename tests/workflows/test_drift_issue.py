"""The issue of a stack's drift: one a stack, moved by counts and not by text."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.fake_gh import FakeGh, installed
from tools import drift_issue, github
from tools.drift_issue import Action, NoSummary, body, counts, decide

ISSUES = "repos/o/r/issues"
TWO = {"delete": 1, "update": 2}


def issue(number: int, text: str, login: str = github.BOT) -> dict[str, Any]:
    return {"number": number, "user": {"login": login}, "body": text}


@dataclass(frozen=True)
class Case:
    name: str
    found: dict[str, int]
    issues: list[dict[str, Any]]
    want: Action


CASES = [
    Case("no drift and no issue", {}, [], Action("nothing")),
    Case("the first drift opens one", TWO, [], Action("open")),
    Case("the same counts say nothing", TWO, [issue(4, body("prod", TWO, "another run"))], Action("nothing")),
    Case("other counts update it", {"update": 3}, [issue(4, body("prod", TWO, ""))], Action("update", 4)),
    Case("no drift closes it", {}, [issue(4, body("prod", TWO, ""))], Action("close", 4)),
    Case("another stack's issue is not ours", TWO, [issue(4, body("prod-eu", TWO, ""))], Action("open")),
    Case("nor is somebody else's", TWO, [issue(4, body("prod", TWO, ""), "somebody")], Action("open")),
    Case("nor one without a text", TWO, [{**issue(4, ""), "body": None}], Action("open")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_done(case: Case) -> None:
    assert decide("prod", case.found, case.issues) == case.want


def test_what_stays_the_same_is_not_counted() -> None:
    assert counts('{"changeSummary": {"same": 60, "update": 2, "delete": 1, "create": 0}}') == TWO
    assert counts('{"changeSummary": {"same": 60}}') == {}


@pytest.mark.parametrize("digest", ["", "error: no login", "[]", "{}", '{"changeSummary": null}'])
def test_no_summary_is_not_taken_for_no_drift(digest: str) -> None:
    with pytest.raises(NoSummary):
        counts(digest)


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    (tmp_path / "bin").mkdir()
    fake = installed(tmp_path / "bin", monkeypatch)
    fake.answers({ISSUES: []})
    return fake


def digest(folder: Path, **summary: int) -> Path:
    path = folder / "drift.json"
    path.write_text(json.dumps({"changeSummary": summary}))
    return path


def test_a_drift_through_its_nights(tmp_path: Path, gh: FakeGh) -> None:
    assert drift_issue.main("prod", digest(tmp_path, same=60, update=2, delete=1)) == 0
    ((method, path, opened),) = gh.sent
    assert (method, path, opened["title"]) == ("POST", ISSUES, "Drift in stack prod")
    assert "| delete | 1 |\n| update | 2 |" in opened["body"]

    gh.answers({ISSUES: [issue(4, opened["body"])]})
    assert drift_issue.main("prod", digest(tmp_path, same=61, update=2, delete=1)) == 0
    assert len(gh.sent) == 1

    assert drift_issue.main("prod", digest(tmp_path, update=3)) == 0
    assert [(method, path) for method, path, _ in gh.sent[1:]] == [
        ("PATCH", f"{ISSUES}/4"),
        ("POST", f"{ISSUES}/4/comments"),
    ]

    assert drift_issue.main("prod", digest(tmp_path, same=63)) == 0
    assert gh.sent[-1] == ("PATCH", f"{ISSUES}/4", {"state": "closed"})


def test_a_failed_refresh_touches_no_issue(tmp_path: Path, gh: FakeGh, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "drift.json").write_text("")
    assert drift_issue.main("prod", tmp_path / "drift.json") == 1
    assert capsys.readouterr().err.startswith("error: stack prod: Pulumi printed no changeSummary")
    assert gh.sent == []
