"""The real Pulumi CLI takes what is shipped: project, stack files, commands of README and docs. No cloud, no plugin.

Skipped where `pulumi` is not on PATH.
"""

import json
from pathlib import Path

import pytest

from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from reading.strict_yaml import parse
from settings.stack_schema import FIRST_LINE
from tests import doc_blocks
from tests.pulumi_cli import PULUMI, Cli
from tests.stacks import ROOT, SHIPPED

pytestmark = pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, ROOT)


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_shipped_stack_loads(cli: Cli, stack: str) -> None:
    created = cli("stack", "init", stack)
    assert created.returncode == 0, created.stderr
    assert cli.loads(stack)


def test_the_bootstrap_stack_loads(tmp_path: Path) -> None:
    cli = Cli(tmp_path, ROOT / "bootstrap")
    assert cli("stack", "init", "bootstrap").returncode == 0
    assert cli.loads("bootstrap")


def test_a_stand_in_would_not_load(cli: Cli) -> None:
    """That the tests above look at something."""
    stack = cli.project / "Pulumi.dev.yaml"
    stack.write_text(f"{stack.read_text()}  dynamo-gke:hfToken: {{secure: replace-me}}\n")
    assert cli("stack", "init", "dev").returncode == 0
    assert not cli.loads("dev")


SCALARS = [
    *("yes", "no", "on", "off", "y", "True", "TRUE", "false", "~", "null", "NULL", "12:00", "1:30", "1.6.1", "1.6"),
    *("0", "-0", "+1", "012", "0o12", "08", "0x1f", "0b11", "1_000", "1e3", "1.5e3", "1e+3", "1.", ".5", "+.5"),
]  # fmt: skip


def test_scalars_are_read_as_the_cli_reads_them(cli: Cli) -> None:
    """Else a preview accepts `deletionProtection: yes`, which is text for `pulumi up`."""
    text = "config:\n  dynamo-gke:x:\n" + "".join(f"    k{i}: {scalar}\n" for i, scalar in enumerate(SCALARS))
    (cli.project / "Pulumi.scalars.yaml").write_text(text)
    assert cli("stack", "init", "scalars").returncode == 0
    read = json.loads(cli("config", "get", "dynamo-gke:x", "--stack", "scalars").stdout)
    ours = parse(text)["config"]["dynamo-gke:x"]
    assert {scalar: ours[f"k{i}"] for i, scalar in enumerate(SCALARS)} == {
        scalar: read[f"k{i}"] for i, scalar in enumerate(SCALARS)
    }
    assert {type(value) for key, value in ours.items() if isinstance(read[key], bool)} == {bool}


def commands(page: str) -> list[list[str]]:
    """The `pulumi` commands of a page that change config, split into words; on prod where the page creates no stack."""
    begins = (("pulumi", "stack", "init"), ("pulumi", "config", "set"))
    found = [[*words[1:]] for words in doc_blocks.commands(page) if words[:3] in begins]
    named = [words[words.index("--stack") + 1] for words in found if "--stack" in words]
    return found if found and found[0][0] == "stack" else [["stack", "init", *(named[:1] or ["prod"])], *found]


# In bootstrap's own folder; with a key of Cloud KMS; in an existing cluster, with a chart that Helm has fetched.
ELSEWHERE = {"docs/bootstrap.md", "docs/environments.md", "docs/adopt.md"}
CHANGING = [page for page in doc_blocks.PAGES if page not in ELSEWHERE and len(commands(page)) > 1]


def test_many_pages_change_config() -> None:
    assert {"README.md", "docs/production.md", "docs/day-2.md", "docs/secrets.md"} <= {*CHANGING}


@pytest.mark.parametrize("page", CHANGING)
def test_the_commands_of_a_page_give_a_stack_that_loads(cli: Cli, page: str) -> None:
    first, *sets = commands(page)
    for words in (first, *sets):
        done = cli(*words, given="hf_AbCdEf\n" if "--secret" in words else "")
        assert done.returncode == 0, done.stderr
    assert cli.loads(first[2])
    assert plan(load(stackfile.read(cli.project, first[2])))
    # The CLI rewrites the file; without its first line, editors would not know it.
    assert (cli.project / f"Pulumi.{first[2]}.yaml").read_text().startswith(f"{FIRST_LINE}\n")


def test_the_history_has_ten_entries_unless_more_are_asked_for(cli: Cli) -> None:
    """Which tests/program/test_deployed_commit.py takes for granted."""
    assert cli("stack", "init", "dev").returncode == 0
    folder = cli.state / ".pulumi" / "history" / "dynamo-gke" / "dev"
    folder.mkdir(parents=True)
    update = {"kind": "refresh", "startTime": 1, "endTime": 1, "environment": {}, "config": {}, "result": "succeeded"}
    for time in range(12):
        (folder / f"dev-{1795958562163174955 + time}.history.json").write_text(json.dumps(update))
    read = ("stack", "history", "--json", "--stack", "dev")
    entries = [len(json.loads(cli(*read, *more).stdout)) for more in ((), ("--page-size", "1000"))]
    assert entries == [10, 12]
