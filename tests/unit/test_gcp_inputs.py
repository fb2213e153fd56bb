"""The table of Google's provider: it matches the pinned SDK and its inputs; what its tool writes."""

import importlib
import re
import sys
from importlib.metadata import version
from typing import Any

import pytest
from pulumi import _types

from ops.changes.gcp_inputs import Input, sdk_version, table
from tests.stacks import ROOT
from tools.replacement_table import flags, reduced


def test_the_table_is_made_for_the_pinned_sdk() -> None:
    """With another SDK, make the table again from the schema of its provider: tools/replacement_table.py."""
    pinned = re.search(r"^pulumi-gcp==([0-9.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned
    assert (sdk_version(), sdk_version()) == (pinned[1], version("pulumi-gcp"))


def args_class(type_: str) -> Any:
    """The SDK's class of a type's inputs."""
    folder, _, name = type_.removeprefix("gcp:").partition("/")
    module = importlib.import_module(f"pulumi_gcp.{folder}")
    of_resource = sys.modules[getattr(module, name.rpartition(":")[2]).__module__]
    return getattr(of_resource, next(name for name in of_resource.__all__ if name.endswith("Args")))


@pytest.mark.parametrize("type_", sorted(table()))
def test_each_path_is_an_input_of_the_sdk(type_: str) -> None:
    missing: list[str] = []
    for path in table()[type_].inputs:
        current = args_class(type_)
        try:
            for step in path.split("."):
                current = _types.input_type_types(current)[step.removesuffix("[]")]
                current = _element(current) if step.endswith("[]") else current
        except (KeyError, AttributeError, TypeError, AssertionError) as error:
            missing.append(f"{path}: {type(error).__name__}")
    assert not missing


def _element(of: Any) -> Any:
    """The class in a sequence."""
    (element,) = [arg for arg in of.__args__ if arg is not type(None)]
    return _types.unwrap_type(element)


def test_flags_of_each_kind_are_read() -> None:
    inputs = table()["gcp:container/nodePool:NodePool"].inputs
    assert inputs["nodeConfig.spot"] == Input(forces=True)
    assert inputs["nodeConfig.labels"] == Input(kept=True, kind="map")
    assert inputs["nodeConfig.gpudirectStrategy"].fixed
    assert inputs["placementPolicy"] == Input(forces=True, kind="block")
    assert inputs["management.autoRepair"] == Input(default=True)
    assert table()["gcp:compute/subnetwork:Subnetwork"].inputs["ipCidrRange"].condition == "shrinks"


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("nodeConfig.labels.cloud.google.com/some-label", True),
        ("nodeConfig.reservationAffinity.values", True),
        ("nodeConfig.notThere", False),
        ("notThere.atAll", False),
        ("nodeConfig.taints[].key", True),
        ("nodeConfig.taints[].color", False),
    ],
)
def test_what_the_table_knows(path: str, known: bool) -> None:
    assert (table()["gcp:container/nodePool:NodePool"].find(path) is not None) is known


SCHEMA: dict[str, Any] = {
    "_meta": {"sdk": "pulumi_gcp 10.2.0 (Python)", "source": "provider 1"},
    "types": {
        "gcp:a/b:C": {
            "autoname": {"prop": "name", "max": 63},
            "customizeDiff": ["tpgresource.SetLabelsDiff"],
            "forceNewIf": {"range": ["ForceNewIfChange IsShrinkageIpCidr"], "tf:old.0.name": ["f: x"]},
            "paths": {
                "name": {"type": "string", "forceNew": True, "optional": True, "computed": True},
                "range": {"type": "string", "required": True, "tf": "range", "validate": "words of others"},
                "id": {"type": "string", "computed": True},
                "size": {"type": "int", "optional": True, "default": 10},
                "off": {"type": "bool", "optional": True, "default": False},
                "deletionPolicy": {"type": "string", "optional": True, "computed": True, "noUpdate": True},
                "zones": {"type": "set<string>", "optional": True, "noUpdate": True},
                "nodePools[].x": {"type": "string", "optional": True},
            },
        }
    },
}


def test_the_tool_keeps_names_and_flags_only() -> None:
    assert reduced(SCHEMA) == {
        "sdk": "10.2.0",
        "source": "provider 1",
        "types": {
            "gcp:a/b:C": {
                "name": "name",
                "labels": "labels",
                "inputs": {
                    "deletionPolicy": "kept",
                    "name": "new kept",
                    "off": "",
                    "range": "if:shrinks required",
                    "size": "=10",
                    "zones": "fixed set",
                },
            }
        },
    }


def test_a_condition_that_the_tool_does_not_know_stops_it() -> None:
    with pytest.raises(StopIteration):
        flags({"type": "string"}, {"path": ["SomethingNew"]}, "path")
