"""The steps of docs/production.md to a first deployment: complete, in order, and leading to a stack that loads."""

import re
import shlex

from ops.offline import stackfile
from planning.load import load
from planning.plan import plan
from tests.stacks import ROOT

PAGE = "docs/production.md"


def commands() -> list[list[str]]:
    """The commands of the page to the first `pulumi up`, placeholders as printed."""
    shell = re.findall(r"^```sh\n(.*?)^```", (ROOT / PAGE).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    words = [shlex.split(line, comments=True) for line in "".join(shell).splitlines()]
    return words[: words.index(next(each for each in words if each[:2] == ["pulumi", "up"])) + 1]


def test_the_steps_come_in_an_order_that_works() -> None:
    begins = [" ".join(words[:3]) for words in commands()]
    order = [
        "gcloud components install",
        "gcloud auth login",
        "gcloud auth application-default",
        "gcloud config set",
        "gcloud billing projects",
        "make setup",
        "pulumi login --local",
        "read -rs PULUMI_CONFIG_PASSPHRASE",
        "pulumi stack init",
        "pulumi config set",
        "./dynamo-gke preview --stack",
        "pulumi preview --policy-pack",
        "pulumi up --policy-pack",
    ]
    assert [begin for i, begin in enumerate(begins) if begin not in begins[:i]] == order


def test_the_steps_replace_every_placeholder_of_the_stack_file() -> None:
    """Region and zone too, though theirs may be right."""
    (stack,) = [words[3] for words in commands() if words[:3] == ["pulumi", "stack", "init"]]
    sets = [words[3:] for words in commands() if words[:3] == ["pulumi", "config", "set"]]
    assert ["--secret", "dynamo-gke:hfToken"] in sets
    given = dict(words[-2:] for words in sets if "--secret" not in words)
    assert set(given) >= {"gcp:project", "dynamo-gke:location.region", "dynamo-gke:location.zone"}
    filled = {key: value.lower() if "YOUR" in value else value for key, value in given.items()}
    config = stackfile.read(ROOT, stack, [f"{key}={value}" for key, value in filled.items()])
    left = [value for value in config.values.values() if re.search(r"\bmy-|example\.com", value)]
    assert left == []
    assert plan(load(config)).missing_token
