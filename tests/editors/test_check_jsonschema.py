"""check-jsonschema, as CI or a pre-commit hook runs it, accepts the shipped stack files and refuses broken ones."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.commands.schema import text
from settings.stack_schema import FILE
from tests.stacks import GOOD, ROOT, SHIPPED
from tests.unit.test_stack_schema import file_of

SECONDS = 60

# Key path → a wrong value. `^` begins at the top of the file.
BROKEN: list[tuple[str, Any]] = [
    ("^confg", {}),
    ("^secretprovider", "gcpkms://x"),
    ("^encriptionsalt", "v1:abc"),
    ("modles", {}),
    ("dynamo:models", GOOD["models"]),
    ("dynamo-gk:models", GOOD["models"]),
    ("gpc:project", "my-project"),
    ("aws:region", "us-east-1"),
    ("gcp:project", 12345),
    ("gcp:project", "My Project"),
    ("location.zon", "europe-west1-b"),
    ("location.region", "europe-west1-b"),
    ("location.zone", "europe-west1"),
    ("capacity.mode", "reserved"),
    ("capacity.mode", "spot"),  # the reservation would be unused
    ("capacity.reservation", ""),
    ("capacity.compactPlacement", True),
    ("capacity.machine", "a3-ultragpu-8"),
    ("capacity.maxNodes", 0),
    ("capacity.maxNodes", "4"),
    ("models", {}),
    ("models.Chat", GOOD["models"]["chat"]),
    ("models.chat.model", "llama-3.3-70b-instrct"),
    ("models.chat.model", "./cards/ours.yml"),
    ("models.chat.layout", "multinode"),
    ("models.chat.layuot", "multi-node"),
    ("models.chat.kvTransfer", "udp"),
    ("models.chat.prefill.replica", 1),
    ("models.chat.prefill.replicas", 1001),
    ("models.chat.decode.tensorParallel", 0.5),
    ("models.chat.decode.capacity", {"mode": "spot", "machin": "g2-standard-8"}),
    ("models.chat.engine.name", "vlm"),
    ("models.chat.engine.gpuMemoryUtilization", 1.5),
    ("models.chat.engine.extraArgs", "--max-num-seqs 64"),
    ("models.chat.engine.extraArgs", ["--max-num-seqs", 64]),
    ("models.chat.autoscaling.decode", {"min": 1}),
    ("models.chat.autoscaling.decode", {"min": 0, "max": 2}),
    ("models.chat.proof", "report"),
    ("network.rdma", "roce"),
    ("network.ranges.nodes", "10.0.0.0"),
    ("network.ranges.nodes", "10.0.0.256/20"),
    ("network.existing", {"vpc": "my-vpc"}),
    ("cluster.deletionProtection", "no"),
    ("cluster.systemPool.nodes", 1),
    ("cluster.systemPool.machine", "a3-ultragpu-8g"),
    ("cluster.maintenance.start", "2:00"),
    ("cluster.maintenance.days", ["saturday"]),
    ("cluster.existing", {"addGpuPools": True}),
    ("endpoint", {"exposure": "public"}),
    ("endpoint", {"exposure": "gateway"}),
    ("endpoint", {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["1.2.3"]}),
    ("endpoint", {"exposure": "internal", "domain": "llm.example.com"}),
    ("endpoint", {"exposure": "none", "globalAccess": True}),
    ("secrets", {"store": "kubernetes", "hfToken": "hf-token"}),
    ("versions.runtime", "latest"),
    ("alerts.emails", ["oncall"]),
    ("alerts.emails", ["a@b.com", "a@b.com"]),
    ("budget", {"emails": ["a@b.com"]}),
    ("budget", {"monthly": 5, "monthlyUsd": 5, "emails": ["a@b.com"]}),
    ("budget", {"monthly": 5, "currency": "usd", "emails": ["a@b.com"]}),
    ("weights.kept", True),
    ("preflight", "yes"),
    ("labels.Owner", "ml-platform"),
    ("labels.owner", "ML Platform"),
    ("labels.managedBy", "us"),
    ("hfToken", "plain-text"),
    ("hfToken", {"secured": "v1:x"}),
]


def broken(path: str, value: Any) -> dict[str, Any]:
    """The file of GOOD with one wrong value."""
    if path.startswith("^"):
        return file_of(GOOD) | {path[1:]: value}
    content = file_of(GOOD)["config"]
    first, *rest = [path] if ":" in path else path.split(".")
    keys = [first if ":" in first else f"dynamo-gke:{first}", *rest]
    here = content = json.loads(json.dumps(content))
    for key in keys[:-1]:
        here = here.setdefault(key, {})
    here[keys[-1]] = value
    return {"config": content}


@cache
def refused(folder: Path) -> dict[str, list[str]]:
    """File → its errors, of all broken and all shipped files, checked by one run."""
    for number, (path, value) in enumerate(BROKEN):
        (folder / f"{number:02}.yaml").write_text(yaml.safe_dump(broken(path, value)), encoding="utf-8")
    shipped = [ROOT / f"Pulumi.{stack}.yaml" for stack in SHIPPED]
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--schemafile", ROOT / FILE, "--output-format", "json", *sorted(folder.iterdir()), *shipped],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found: dict[str, list[str]] = {}
    for error in json.loads(done.stdout)["errors"]:
        found.setdefault(Path(error["filename"]).name, []).append(error["message"])
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


@pytest.mark.parametrize("number", range(len(BROKEN)), ids=[f"{path}={value}" for path, value in BROKEN])
def test_a_broken_file_is_refused(folder: Path, number: int) -> None:
    assert f"{number:02}.yaml" in refused(folder)


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_shipped_file_passes(folder: Path, stack: str) -> None:
    assert f"Pulumi.{stack}.yaml" not in refused(folder)


def test_the_committed_schema_is_current() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == text(), "run `make goldens`"
