"""Operator N runs runtimes N-2 to N+1; images and chart are of the versions that the settings name."""

import pytest

from spec import versions
from spec.graph import build
from tests.stacks import planned


def test_the_versions_that_come_with_this_program_are_a_pair() -> None:
    assert versions.pair_fault(versions.PLATFORM, versions.RUNTIME) is None
    assert versions.release(versions.PLATFORM)
    assert versions.release(versions.RUNTIME)


@pytest.mark.parametrize(
    ("platform", "runtime", "runs"),
    [
        ("1.6.0", "1.3.9", False),
        ("1.6.0", "1.4.0", True),
        ("1.6.1", "1.6.0", True),
        ("1.6.0", "1.6.1", True),
        ("1.6.0", "1.7.9", True),
        ("1.6.0", "1.8.0", False),
        ("1.10.0", "1.8.0", True),
        ("1.1.0", "1.0.0", True),
        ("2.0.0", "1.9.0", False),
        ("1.6.0", "2.6.0", False),
    ],
)
def test_pairs(platform: str, runtime: str, runs: bool) -> None:
    assert (versions.pair_fault(platform, runtime) is None) is runs


@pytest.mark.parametrize("text", ["latest", "1.6", "1.6.1-rc1", "v1.6.1", "", "1.6.1 ", "1.6.x", "1.6.1\n"])
def test_what_names_no_one_release_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no release|before the version"):
        versions.release(text)


def test_every_image_of_a_graph_is_of_the_runtime_and_the_chart_of_the_platform() -> None:
    plan = planned({"versions": {"platform": "1.7.0", "runtime": "1.5.2"}})
    images = [c.pod_template.spec.containers[0].image for c in build(plan.graphs[0], {}).spec.components]
    assert [image.rpartition(":")[2] for image in images] == ["1.5.2"] * 3
    assert plan.platform == "1.7.0"
    warned = [warning.partition(":")[0] for warning in plan.warnings]
    assert "versions.platform" in warned
    assert "versions.runtime" in warned
    assert not [warning for warning in planned().warnings if warning.startswith("versions")]
