"""A `gh` on PATH that answers GETs from a file and writes down what is sent, so that no test talks to GitHub."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """\
#!{python}
import json, pathlib, sys
here = pathlib.Path({folder!r})
words = sys.argv[1:]
method = words[words.index("--method") + 1]
path = next(word for word in words if word.startswith("repos/"))
if method == "GET":
    print(json.dumps([json.loads((here / "answers.json").read_text())[path]]))
else:
    with (here / "sent.jsonl").open("a") as log:
        log.write(json.dumps([method, path, json.load(sys.stdin)]) + "\\n")
"""


@dataclass(frozen=True)
class FakeGh:
    folder: Path

    def answers(self, by_path: dict[str, list[dict[str, Any]]]) -> None:
        (self.folder / "answers.json").write_text(json.dumps(by_path))

    @property
    def sent(self) -> list[tuple[str, str, dict[str, str]]]:
        """(method, path, fields) of everything written so far."""
        log = self.folder / "sent.jsonl"
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    program = folder / "gh"
    program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    return FakeGh(folder)
