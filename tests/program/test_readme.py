"""What README promises of itself: short, complete, in order, with the costs of the plans; and changes that finish."""

import re
import shlex

from ops.changes.rollout import restarted
from ops.offline import dry_run, stackfile
from planning.load import load
from planning.plan import plan
from reading.errors import ConfigInvalid
from tests import doc_blocks
from tests.catalog.tree import run
from tests.stacks import ROOT


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 180


def test_the_readme_and_the_start_page_name_the_costs_of_the_plans() -> None:
    readme, start = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/index.md"))
    for stack, resources in (("try", None), ("prod", "85 resources")):
        planned = plan(load(stackfile.read(ROOT, stack, [])))
        assert f"{planned.cost_per_hour:.2f}" in readme
        assert resources is None or f"{resources} to create" in run(ROOT, "ops", "preview", "--stack", stack).stdout
        assert resources is None or (resources in readme and f"{planned.cost_per_hour:.0f} USD an hour" in start)


FORECAST = re.compile(r"\./dynamo-gke (?:preview|rollout|rehearse) [^`\n]*--set [^`\n]*")


def test_every_change_that_a_page_shows_finishes() -> None:
    """An update that never finishes looks as harmless in a preview as any other."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = {(page.name, line) for page in pages for line in FORECAST.findall(page.read_text(encoding="utf-8"))}
    endless: list[tuple[str, str]] = []
    for page, line in sorted(shown):
        words = shlex.split(line.partition("#")[0])
        chosen = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
        stack = next(words[at + 1] for at, word in enumerate(words) if word in ("-s", "--stack"))
        try:
            said = restarted(dry_run.planned(stack), dry_run.planned(stack, chosen))
        except ConfigInvalid:  # what a page shows as refused, or with a placeholder
            continue
        endless += [(page, line) for sentence in said if "NEVER FINISH" in sentence]
    assert len(shown) > 5
    assert endless == []


def test_the_model_swap_is_set_and_rehearsed_as_the_readme_shows_it() -> None:
    """tests/rehearsal/test_rehearse.py rehearses the README's."""
    swap = doc_blocks.model_swap("README.md")
    assert doc_blocks.model_swap("docs/upgrades.md") == swap
    (block,) = [each for each in doc_blocks.blocks("docs/upgrades.md") if any(swap[0] in c for c in each.commands)]
    settings = {words[-2].removeprefix("dynamo-gke:"): words[-1] for words in block.commands if "config" in words}
    assert settings == dict(each.split("=") for each in swap)
    (shown,) = [words for words in doc_blocks.commands("docs/rehearse.md") if "--swap" in words]
    assert shown[-4:] == ("--swap", swap[0], "--swap", swap[1])


def test_the_quick_start_is_complete_and_in_order() -> None:
    begins = [" ".join(words[:4]) for words in doc_blocks.commands("README.md")]
    order = [
        "make dev",
        "gcloud auth login",
        "gcloud auth application-default login",
        "gcloud billing projects link",
        "pulumi stack init try",
        "pulumi config set gcp:project",
        "./dynamo-gke preview --stack try",
        "pulumi up --policy-pack policies",
        "./dynamo-gke status --stack try",
        "curl -s --retry 5",
        "pulumi destroy",
        "pulumi stack rm try",
    ]
    assert [begin for begin in begins if begin in order] == order
