"""`preview --diagram` as a user runs it: the files, whole or not at all, and a sentence for every mistake."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops import __main__ as cli
from ops.report.drawn import only_draws


def preview(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli.app, ["preview", *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_page_and_a_flowchart_of_a_changed_stack(tmp_path: Path) -> None:
    page, flow = tmp_path / "prod.html", tmp_path / "prod.mmd"
    page.write_text("old")
    argument = "models.chat.engine.extraArgs[0]=--custom-jinja-template=/models/<script>alert(1)</script>"
    code, out, err = preview("--stack", "prod", "--set", argument, "--diagram", str(page), "--diagram", str(flow))
    assert (code, err) == (0, "")
    assert out.endswith(f"Picture: {page}\nPicture: {flow}\n")
    html = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    assert only_draws(flow.read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prod.html", "prod.mmd"]


def test_json_stays_one_object(tmp_path: Path) -> None:
    code, out, _ = preview("--stack", "dev", "--json", "--diagram", str(tmp_path / "dev.mmd"))
    assert code == 0
    assert json.loads(out)["stack"] == "dev"


# Words after `preview` → the message, with {folder} for the test's folder.
MISTAKES = {
    "another format": (
        ("--diagram", "{folder}/a.svg"),
        1,
        "{folder}/a.svg: must end in .html or .mmd",
    ),
    "no folder": (
        ("--diagram", "{folder}/b/a.html"),
        1,
        "error: --diagram {folder}/b/a.html: there is no folder {folder}/b; create it first",
    ),
    "a folder": (
        ("--diagram", "{folder}/c.html"),
        1,
        "error: --diagram {folder}/c.html: is a folder; give a file in it, such as {folder}/c.html/page.html",
    ),
    "a name that no file system takes": (("--diagram", "{folder}/" + "d" * 300 + ".html"), 1, "File name too long"),
    "a base without a page": (("--base", "HEAD"), 1, "add --diagram FILE.html, or use `diff --base`"),
    "a base in a flowchart": (
        ("--base", "HEAD", "--diagram", "{folder}/a.mmd"),
        1,
        "--base shows changes in a page: add --diagram FILE.html",
    ),
    "no commit": (("--base", "nothing", "--diagram", "{folder}/a.html"), 1, "--base 'nothing' is no commit"),
    "an invalid stack": (("--stack", "prdo", "--diagram", "{folder}/a.html"), 2, "did you mean prod?"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_ends_in_a_sentence_and_writes_nothing(case: str, tmp_path: Path) -> None:
    words, code, message = MISTAKES[case]
    (tmp_path / "c.html").mkdir()
    found = preview(*(word.replace("{folder}", str(tmp_path)) for word in words))
    assert found[:2] == (code, "")
    assert message.replace("{folder}", str(tmp_path)) in re.sub(r"\s+", " ", found[2])
    assert [path.name for path in tmp_path.iterdir()] == ["c.html"]


def test_a_file_that_cannot_be_written_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    page = tmp_path / "a.html"
    page.write_text("old")
    monkeypatch.setattr(Path, "replace", full)
    code, _, err = preview("--diagram", str(page))
    assert (code, err) == (
        1,
        f"error: --diagram {page}: cannot be written: No space left on device; choose another file\n",
    )
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
