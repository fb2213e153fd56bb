"""The comment on a pull request: found again, edited in place, and never fooled by what a fork's run left behind."""

from pathlib import Path

import pytest

from tests.workflows.fake_gh import FakeGh, installed
from tools import diff_comment, github
from tools.diff_comment import comment, marker

URL = "https://github.example/o/r/actions/runs/7"
DIFF = "stack prod against main: 1 replaced: releases 1 reserved H200 node\n\nreplaced  NodePool  p\n"
PULLS = "repos/o/r/pulls"
COMMENTS = "repos/o/r/issues/12/comments"


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    for name, value in {"RUN": "7", "HEAD_OWNER": "a", "HEAD_BRANCH": "b", "HEAD_SHA": "c0ffee"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bin").mkdir()
    fake = installed(tmp_path / "bin", monkeypatch)
    fake.answers({PULLS: [{"number": 12, "head": {"sha": "c0ffee"}}], COMMENTS: []})
    return fake


PICTURE = 'flowchart LR\na["b"]'


def artifact(folder: Path, stack: str, text: str, picture: str = "") -> Path:
    path = folder / "diffs" / f"diff-{stack}" / "diff.txt"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    if picture:
        path.with_name("picture.mmd").write_text(picture)
    return folder / "diffs"


def test_a_comment_shows_the_first_paragraph_and_folds_the_rest() -> None:
    assert comment("prod", DIFF, URL) == (
        f"{marker('prod')}\n```text\nstack prod against main: 1 replaced: releases 1 reserved H200 node\n```\n\n"
        "<details><summary>Full text</summary>\n\n```text\nreplaced  NodePool  p\n```\n\n</details>\n\n"
        f"<sub>Made by this pull request's own code in [this run]({URL}).</sub>\n"
    )


@pytest.mark.parametrize("text", ["@x" * github.BODY_LIMIT, "`" * github.BODY_LIMIT * 2, "\n`" * github.BODY_LIMIT])
def test_a_long_diff_stays_below_the_limit(text: str) -> None:
    assert len(comment("prod", text, URL)) < github.BODY_LIMIT


def test_a_diff_that_is_cut_says_so() -> None:
    assert "cut here" in comment("prod", "@x" * github.BODY_LIMIT, URL)


def test_a_missing_diff_is_reported_instead_of_keeping_an_old_one() -> None:
    assert "The diff of stack `prod` failed without output" in comment("prod", "", URL)


def test_the_first_diff_is_a_new_comment(tmp_path: Path, gh: FakeGh) -> None:
    assert diff_comment.main(artifact(tmp_path, "prod", DIFF)) == 0
    assert gh.sent == [("POST", COMMENTS, {"body": comment("prod", DIFF, URL)})]


def test_the_next_one_edits_our_comment_and_nobody_elses(tmp_path: Path, gh: FakeGh) -> None:
    text = comment("prod", DIFF, URL)
    ours = {"id": 3, "user": {"login": github.BOT}, "body": text}
    gh.answers(
        {
            PULLS: [{"number": 12, "head": {"sha": "c0ffee"}}],
            COMMENTS: [
                {"id": 1, "user": {"login": "somebody"}, "body": text},
                {"id": 2, "user": {"login": github.BOT}, "body": marker("dev")},
                ours,
            ],
        }
    )
    assert diff_comment.main(artifact(tmp_path, "prod", DIFF)) == 0
    assert [(method, path) for method, path, _ in gh.sent] == [("PATCH", "repos/o/r/issues/comments/3")]


def test_a_head_that_has_moved_on_is_left_alone(tmp_path: Path, gh: FakeGh) -> None:
    gh.answers({PULLS: [{"number": 12, "head": {"sha": "other"}}], COMMENTS: []})
    assert diff_comment.main(artifact(tmp_path, "prod", DIFF)) == 0
    assert gh.sent == []


@pytest.mark.parametrize("stack", ["prod; rm", "..", "A"])
def test_an_artifact_of_another_name_is_refused(
    tmp_path: Path, gh: FakeGh, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff_comment.main(artifact(tmp_path, stack, DIFF)) == 1
    assert "not a folder diff-STACK" in capsys.readouterr().err
    assert gh.sent == []


def test_a_link_out_of_the_artifact_is_not_followed(tmp_path: Path, gh: FakeGh) -> None:
    folder = artifact(tmp_path, "prod", DIFF)
    secret = tmp_path / "secret"
    secret.write_text(DIFF)
    (folder / "diff-prod" / "diff.txt").unlink()
    (folder / "diff-prod" / "diff.txt").symlink_to(secret)
    assert diff_comment.main(folder) == 1
    assert gh.sent == []


def test_a_picture_is_drawn_below_the_diff(tmp_path: Path, gh: FakeGh) -> None:
    assert diff_comment.main(artifact(tmp_path, "prod", DIFF, PICTURE + "\n")) == 0
    ((_, _, body),) = gh.sent
    assert f"\n\n```mermaid\n{PICTURE}\n```\n\n" in body["body"]


@pytest.mark.parametrize(
    "picture",
    [
        f"{PICTURE}\n```\n@everyone",
        f'{PICTURE}\nclick a href "https://example.com"',
        f"%%{{init: {{}}}}%%\n{PICTURE}",
        'flowchart LR\na["' + "b" * 39_000 + '"]',
    ],
    ids=["leaves the fence", "has a link", "has a directive", "does not fit"],
)
def test_what_is_more_than_a_picture_or_does_not_fit_is_left_out(picture: str) -> None:
    text = DIFF + "x" * 40_000
    assert comment("prod", text, URL, picture) == comment("prod", text, URL)


def test_a_link_in_place_of_a_picture_is_not_followed(tmp_path: Path, gh: FakeGh) -> None:
    folder = artifact(tmp_path, "prod", DIFF)
    (folder / "diff-prod" / "picture.mmd").symlink_to(tmp_path / "secret")
    assert diff_comment.main(folder) == 1
    assert gh.sent == []
