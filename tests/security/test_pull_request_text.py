"""Text of a pull request, even from a fork, is shown without effect: in a comment, a job's summary and its log."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ops.report import quoted
from ops.report.plain import plain_lines
from tests.security.canaries import CANARIES
from tests.stacks import ROOT
from tools import github
from tools.diff_comment import comment, marker
from tools.drift_issue import NoSummary, counts

URL = "https://github.example/o/r/actions/runs/7"
ATTACKS = [
    "@everyone &#64;everyone &commat;everyone", "fixes #1, o/r#2, GH-3, o/r@0123456", "![x](https://x.example/p.png)",
    "[click](https://x.example) https://x.example <https://x.example>", "<img src=x onerror=y><script>z</script>",
    "```\nout\n```", "````text\nout\n", "~~~\nout\n~~~", "   ```\nout", "</details></summary><!-- -->", "-->",
    "```" * 40_000, "a\n\n```\n\n@b\n\n```", "\u202eback\u2066wards\u200b", "\x1b[31mred\x1b]8;;http://x\x07",
    "::error::x", "  ::add-mask::x", "##[error]x", "\r::error::x", "\u2028::error::x", "| a |\n|---|\n| @b |",
    "<!-- dynamo-gke:diff:dev -->", "# head\n> quote\n- [ ] list\n    code", "a\x00b", "\ud800", "𝔸" * 70_000,
]  # fmt: skip
TEXT = st.text() | st.lists(st.sampled_from(["`", "``", "```", "~~~", "\n", " ", "@a", "<b>", "&#64;", "#1"])).map(
    "".join
)


def with_attacks(test):  # type: ignore[no-untyped-def]
    for attack in ATTACKS:
        test = example(text=attack)(test)
    return settings(deadline=None)(given(text=TEXT)(test))


def shown_by(markdown: str) -> list[str]:
    """The content of each fence. Fails for a block that is neither a fence nor the tool's own text."""
    fences: list[str] = []
    ours = {
        f"{marker('prod')}\n", "<details><summary>Full text</summary>\n", "</details>\n",
        "The diff of stack `prod` failed without output.",
        f"<sub>Made by this pull request's own code in [this run]({URL}).</sub>",
    }  # fmt: skip
    for token in MarkdownIt("commonmark").parse(markdown):
        if token.type == "fence":
            assert token.info == "text"
            fences.append(token.content)
        elif token.type in ("html_block", "inline"):
            assert token.content in ours or token.content.rstrip("\n") + "\n" in ours
        else:
            assert token.type in ("paragraph_open", "paragraph_close")
    return fences


@with_attacks
def test_a_comment_is_fences_and_nothing_else_of_theirs(text: str) -> None:
    body = comment("prod", text, URL)
    fences = shown_by(body)
    shown = "\n".join(fences)
    assert not {unicodedata.category(c) for c in shown if c != "\n"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if len(text) < 1_000:
        assert shown.split() == plain_lines(text).split()
    assert len(body.encode("utf-16-le")) // 2 < github.BODY_LIMIT


@with_attacks
def test_no_line_of_a_log_is_a_workflow_command(text: str) -> None:
    first, *lines, last = quoted.logged(text).split("\n")
    stopped = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", first)
    assert stopped
    assert last == f"::{stopped[1]}::"
    assert stopped[1] not in "".join(lines)


def test_the_words_that_resume_commands_are_never_the_same() -> None:
    assert len({quoted.logged("x") for _ in range(20)}) == 20


def test_a_comment_repeats_no_token() -> None:
    for token in CANARIES.values():
        assert token not in comment("prod", f"https://{token}@x", URL)


def test_a_step_puts_a_text_into_summary_and_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, text = tmp_path / "summary", tmp_path / "text"
    summary.write_text("before\n\n")
    text.write_bytes(b"a ```` b\n::error::c\xff\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert quoted.main(text) == 0
    assert summary.read_text() == "before\n\n`````text\na ```` b\n::error::c\ufffd\n`````\n"
    assert capsys.readouterr().out.splitlines()[1:-1] == ["a ```` b", "::error::c\ufffd"]


@pytest.mark.parametrize("operation", ["update | @a", "update\n@a", "--> @a", "&#64;a", "a" * 41])
def test_an_operation_of_another_form_is_not_shown_in_an_issue(operation: str) -> None:
    with pytest.raises(NoSummary):
        counts(json.dumps({"changeSummary": {operation: 1}}))


def test_the_commenting_workflow_needs_no_package() -> None:
    """The tool runs on a bare runner, without site-packages."""
    words = [sys.executable, "-S", "-c", "import tools.diff_comment, tools.drift_issue"]
    subprocess.run(words, cwd=ROOT, check=True, timeout=60)
