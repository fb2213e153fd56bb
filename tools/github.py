"""GitHub's REST interface by way of `gh`, which every hosted runner has; it takes its token from GH_TOKEN."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

# The author of whatever a workflow's own token writes.
BOT = "github-actions[bot]"
# GitHub refuses a longer body of a comment or an issue; counted in characters.
BODY_LIMIT = 65_536
SECONDS = 60


def listed(path: str, **query: str) -> list[dict[str, Any]]:
    """All entries that a GET of a list returns, over all its pages."""
    fields = [word for key, value in query.items() for word in ("--raw-field", f"{key}={value}")]
    pages = json.loads(_gh("--method", "GET", "--paginate", "--slurp", path, "--raw-field", "per_page=100", *fields))
    return [entry for page in pages for entry in page]


def sent(method: str, path: str, fields: Mapping[str, str]) -> None:
    """POST or PATCH with a JSON object. The fields go by stdin: a body is longer than an argument may be."""
    _gh("--method", method, path, "--input", "-", stdin=json.dumps(fields))


def _gh(*words: str, stdin: str = "") -> str:
    """The stdout of `gh api`; its own sentence is on stderr when it fails, which raises CalledProcessError."""
    return subprocess.run(
        ["gh", "api", *words], input=stdin, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS
    ).stdout
