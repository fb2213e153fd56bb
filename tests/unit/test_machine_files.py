"""Impossible values in machine files, the user's own and the catalog's."""

from pathlib import Path
from typing import Any

import pytest

from catalog.machines import GpuMachine, gpu_machine, gpu_machines
from planning.checks.machine_files import value_errors
from reading import entries
from tests.made_up_machines import FOUR_GPUS, ONE_GPU
from tests.stacks import errors, planned

PAIR = FOUR_GPUS.replace("count: 4", "count: 2")
ON_PAIR: dict[str, Any] = {
    "location": {"region": "us-west1", "zone": "us-west1-a"},
    "capacity": {"machine": "./ours/z1-pair-2g.yaml", "mode": "spot"},
    "models.chat": {
        "model": "qwen3-32b",
        "layout": "multi-node",
        "prefill": {"tensorParallel": 2, "replicas": 1},
        "decode": {"tensorParallel": 2, "replicas": 1},
    },
}


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own files."""
    monkeypatch.setattr(entries, "ROOT", tmp_path)
    folder = tmp_path / "ours"
    folder.mkdir()
    gpu_machine.cache_clear()
    return folder


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("modes: [dranet]", "modes: [dranett]", "rdma.modes", "did you mean dranet?"),
        ("sold:\n", "sold:\n  spots: {}\n", "sold", "did you mean spot?"),
        ("prices:\n  onDemand", "prices:\n  ondemand", "prices", "did you mean onDemand?"),
        (
            "zones: [us-west1-a]",
            "zones: [us-west1-a, us-central9-z]",
            "zones",
            '"us-central9-z" is neither a zone nor a',
        ),
        ("zones: [us-west1-a]", "zones: [us-west1-a, mars]", "zones", '"mars" is neither a zone such as'),
        ("{bf16: native}", "{bf16: native, fp9: native}", "gpus.formats", "did you mean"),
        ("cpu: 7", "cpu: 50", "workerShare.cpu", "the workers of a full node request 100 of its 96 vCPUs"),
        ("cpu: 7", "cpu: 48", "workerShare.cpu", "request 96 of its 96 vCPUs"),
        ("memoryGib: 90", "memoryGib: 350", "workerShare.memoryGib", "request 700 GiB of its 700 GB of memory"),
    ],
)
@pytest.mark.parametrize("role", [None, "decode"])
def test_an_impossible_value_is_an_error_with_file_and_key(
    ours: Path, role: str | None, old: str, new: str, key: str, says: str
) -> None:
    assert old in PAIR
    (ours / "z1-pair-2g.yaml").write_text(PAIR)
    (ours / "z2-pair-2g.yaml").write_text(PAIR.replace(old, new))
    bad = "./ours/z2-pair-2g.yaml"
    changes = {**ON_PAIR, f"models.chat.{role}.machine" if role else "capacity.machine": bad}
    found = [error for error in errors(changes) if error.path.startswith("ours/z2-pair-2g.yaml: ")]
    assert len(found) == 1, errors(changes)
    assert found[0].path.startswith(f"ours/z2-pair-2g.yaml: {key}")
    assert says in found[0].message


def test_a_file_with_a_newer_zone_is_accepted_where_the_stack_accepts_one(ours: Path) -> None:
    (ours / "z1-pair-2g.yaml").write_text(PAIR.replace("[us-west1-a]", "[us-west1-a, us-central9-z]"))
    assert errors(ON_PAIR) != ()
    newer = ON_PAIR | {"location.allowUnlisted": True}
    assert errors(newer) == ()
    (ours / "z1-pair-2g.yaml").write_text(PAIR.replace("[us-west1-a]", "[us-west1-a, mars]"))
    gpu_machine.cache_clear()
    assert [error.path for error in errors(newer)] == ["ours/z1-pair-2g.yaml: zones[1]"]


@pytest.mark.parametrize(
    ("name", "warned"), [("ours", True), ("z1-pair", True), ("n9-pair-2g", False), ("z1-ultra-2g-metal", False)]
)
def test_a_file_whose_name_is_no_machine_type_is_warned_of(ours: Path, name: str, warned: bool) -> None:
    (ours / f"{name}.yaml").write_text(PAIR)
    found = planned({**ON_PAIR, "capacity": {"machine": f"./ours/{name}.yaml", "mode": "spot"}}).warnings
    says = f"capacity.machine: the file's name is the machine type, and {name} does not look like one"
    assert sum(warning.startswith(says) for warning in found) == warned, found


@pytest.mark.parametrize("machine", gpu_machines(), ids=lambda machine: machine.name)
def test_the_files_of_the_catalog_have_no_impossible_value(machine: GpuMachine) -> None:
    assert list(value_errors(machine)) == []


def test_a_file_without_rdma_is_checked_as_well(ours: Path) -> None:
    (ours / "z1-one-1g.yaml").write_text(
        ONE_GPU.replace("memoryGib: 20", "memoryGib: 200").replace("cpu: 4", "cpu: 50")
    )
    found = value_errors(gpu_machine("./ours/z1-one-1g.yaml"))
    assert [key for key, _ in found] == ["workerShare.cpu", "workerShare.memoryGib"]


def test_a_file_of_the_catalog_may_name_a_mode_that_is_still_to_be_added(ours: Path) -> None:
    sells = {"sold:\n": "sold:\n  calendar: {}\n  spots: {}\n", "modes: [dranet]": "modes: [dranet, fabric, dranett]"}
    content = PAIR
    for old, new in sells.items():
        content = content.replace(old, new)
    (ours / "z1-pair-2g.yaml").write_text(content)
    machine = gpu_machine("./ours/z1-pair-2g.yaml")
    says = [message.partition(" ")[0] for _, message in value_errors(machine)]
    assert says == ['"fabric"', '"dranett"', '"calendar"', '"spots"']
    says = [message.partition(" ")[0] for _, message in value_errors(machine, in_catalog=True)]
    assert says == ['"dranett"', '"spots"']
