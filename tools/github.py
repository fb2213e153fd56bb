"""Client of GitHub's REST API through `gh`, which every hosted runner has and which reads its token from GH_TOKEN."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

# The author of everything written with a workflow's own token.
BOT = "github-actions[bot]"
# Max characters of the body of a comment or an issue.
BODY_LIMIT = 65_536
SECONDS = 60


def listed(path: str, **query: str) -> list[dict[str, Any]]:
    """All entries of a list, over all its pages."""
    fields = [word for key, value in query.items() for word in ("--raw-field", f"{key}={value}")]
    pages = json.loads(_gh("--method", "GET", "--paginate", "--slurp", path, "--raw-field", "per_page=100", *fields))
    return [entry for page in pages for entry in page]


def sent(method: str, path: str, fields: Mapping[str, str]) -> None:
    """Sends a JSON object by POST or PATCH. The fields go through stdin, because they can exceed an argument."""
    _gh("--method", method, path, "--input", "-", stdin=json.dumps(fields))


def _gh(*words: str, stdin: str = "") -> str:
    """The stdout of `gh api`. If it fails, its message is on stderr, and CalledProcessError is raised."""
    return subprocess.run(
        ["gh", "api", *words], input=stdin, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS
    ).stdout
