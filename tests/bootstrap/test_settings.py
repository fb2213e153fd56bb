"""Invalid settings of the bootstrap stack: one sentence per error, with its key path, all at once."""

import contextvars
import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from bootstrap import settings
from bootstrap.preview import FOLDER
from ops.offline.recorded import ProgramFailed
from ops.offline.recording import record_program, run_main
from reading.errors import ConfigInvalid, Error
from settings.stack_config import StackConfig

GOOD: dict[str, Any] = {
    "gcp:project": "my-project",
    "region": "europe-west1",
    "repository": {"name": "my-org/dynamo-gke", "id": 123456789, "ownerId": 1234567},
    "environments": ["dev", "prod"],
}


def config(changes: dict[str, Any], secrets: frozenset[str] = frozenset()) -> StackConfig:
    """GOOD with changed top-level keys or keys of `repository`; None removes a key."""
    blocks = deepcopy(GOOD)
    for path, value in changes.items():
        block, key = (blocks["repository"], path.partition(".")[2]) if "." in path else (blocks, path)
        if value is None:
            block.pop(key)
        else:
            block[key] = value
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in blocks.items()}
    full = {key if ":" in key else f"{settings.NAMESPACE}:{key}": text for key, text in texts.items()}
    return StackConfig(stack="bootstrap", values={k: v for k, v in full.items() if k not in secrets}, secrets=secrets)


def errors(changes: dict[str, Any], secrets: frozenset[str] = frozenset()) -> tuple[Error, ...]:
    try:
        settings.load(config(changes, secrets))
    except ConfigInvalid as invalid:
        return invalid.errors
    return ()


@dataclass(frozen=True)
class Case:
    name: str
    changes: dict[str, Any]
    path: str
    says: str


CASES = [
    Case("missing project", {"gcp:project": None}, "gcp:project", "pulumi config set gcp:project"),
    Case("project of a wrong form", {"gcp:project": "My Project"}, "gcp:project", "such as my-project"),
    Case("other provider keys", {"gcp:region": "europe-west1"}, "gcp:region", "is not used"),
    Case("billing account of a wrong form", {"billingAccount": "my-account"}, "billingAccount",
         "such as 000000-AAAAAA-BBBBBB"),
    Case("missing region", {"region": None}, "region", "is required, such as europe-west1"),
    Case("empty region", {"region": ""}, "region", "is required, such as europe-west1"),
    Case("zone for region", {"region": "europe-west1-b"}, "region", "such as europe-west1"),
    Case("missing repository", {"repository": None}, "repository", "is required, such as {name:"),
    Case("text for the repository", {"repository": "my-org/dynamo-gke"}, "repository", "must be an object"),
    Case("URL for a name", {"repository.name": "https://github.com/a/b"}, "repository.name", "my-org/dynamo-gke"),
    Case("missing id", {"repository.id": None}, "repository.id", "gh api repos/OWNER/REPO"),
    Case("text for an id", {"repository.id": "12"}, "repository.id", "must be a whole number"),
    Case("zero for an id", {"repository.ownerId": 0}, "repository.ownerId", "must be at least 1"),
    Case("snake case", {"repository.owner_id": 7}, "repository.owner_id", "did you mean ownerId?"),
    Case("unknown key", {"environment": ["dev"]}, "environment", "did you mean environments?"),
    Case("no environments", {"environments": []}, "environments", "is required, such as [dev, staging, prod]"),
    Case("text for a list", {"environments": "dev"}, "environments", "must be a list"),
    Case("twice the same", {"environments": ["dev", "dev"]}, "environments", "names dev more than once"),
    Case("the ending of a preview", {"environments": ["dev", "dev-preview"]}, "environments", "names dev-preview"),
    Case("name too long", {"environments": ["dev", "production-europe"]}, "environments[1]", "1 to 16 lower-case"),
    Case("number for a name", {"environments": ["dev", 1]}, "environments[1]", "must be text"),
    Case("subject too long", {"repository.name": f"my-org/{'r' * 90}"}, "environments", "shorten the name"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_error(case: Case) -> None:
    assert [error.path for error in errors(case.changes)] == [case.path]
    assert case.says in errors(case.changes)[0].message


def test_the_good_one_loads() -> None:
    assert errors({}) == ()


def test_all_errors_at_once() -> None:
    found = errors({"gcp:project": None, "region": "Belgium", "repository.id": "1", "environments": [], "regoin": "x"})
    assert [error.path for error in found] == ["environments", "gcp:project", "region", "regoin", "repository.id"]


def test_a_secret_is_refused_unread() -> None:
    key = f"{settings.NAMESPACE}:repository"
    assert [(error.path, "is a secret" in error.message) for error in errors({}, frozenset({key}))] == [
        ("repository", True)
    ]


def test_the_declared_keys_are_those_that_are_read() -> None:
    declared = yaml.safe_load((FOLDER / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    assert set(declared) == {f"{settings.NAMESPACE}:{key}" for key in settings.KEYS}


def test_the_program_ends_with_the_errors_and_no_traceback() -> None:
    wrong = config({"region": "Belgium", "repository.id": None})

    def run() -> None:
        record_program(
            lambda: run_main(FOLDER), stack="bootstrap", config=dict(wrong.values), secret_keys=[], preview=True
        )

    with pytest.raises(ProgramFailed) as failed:
        contextvars.copy_context().run(run)
    first, *rest = str(failed.value).splitlines()
    assert first == "the configuration is invalid"
    assert [line.partition(":")[0] for line in rest] == ["region", "repository.id"]
