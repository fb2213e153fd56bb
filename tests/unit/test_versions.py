"""Operator N runs runtimes N-2 to N+1, from 1.4 on; what cannot be used is refused with a version that can."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import versions
from manifests.graph import build
from planning import platform
from tests.stacks import errors, planned


def version_errors(platform: str, runtime: str) -> dict[str, str]:
    return dict(versions.errors(platform, runtime))


def test_the_versions_that_come_with_this_program_are_a_pair() -> None:
    assert version_errors(versions.dynamo().platform, versions.dynamo().runtime) == {}


UNKNOWN = "the newest release in catalog/dynamo.yaml; what it changes is unknown; "
PAIRS = [
    # platform, runtime, the keys with an error and how its advice ends
    ("1.6.0", "1.4.0", {}),
    ("1.6.1", "1.6.0", {}),
    ("1.6.2", "1.6.2", {}),
    ("1.6.0", "1.7.0", {}),
    ("1.7.0", "1.5.9", {}),
    ("1.3.0", "1.4.2", {}),
    ("1.6.0", "1.3.9", {"runtime": "needs NATS, which is not installed; 1.4 is the first that does not; use 1.4.0"}),
    ("1.7.0", "1.3.0", {"runtime": "use 1.5.0"}),
    ("1.6.0", "0.9.0", {"runtime": "use 1.4.0"}),
    ("1.3.0", "1.6.1", {"runtime": "is too new for operator 1.3.0, which runs 1.1 to 1.4; set versions.runtime to "
                        "1.4.0, or raise versions.platform to 1.5.0 first, one minor version at a time, then "
                        "versions.runtime"}),
    ("1.7.0", "1.4.1", {"runtime": "is too old for operator 1.7.0, which runs 1.5 to 1.8; raise versions.runtime to "
                        "1.5.0, or keep it and set versions.platform to 1.6.1"}),
    ("1.6.1", "1.7.1", {"runtime": UNKNOWN + "use 1.7.0"}),
    ("1.6.0", "1.8.0", {"runtime": UNKNOWN + "use 1.7.0"}),
    ("1.5.0", "1.8.0", {"runtime": UNKNOWN + "use 1.6.2"}),
    ("1.8.0", "1.6.1", {"platform": UNKNOWN + "use 1.7.0"}),
    ("1.8.0", "1.4.0", {"platform": UNKNOWN + "use 1.6.1"}),
    ("1.7.1", "1.7.0", {"platform": UNKNOWN + "use 1.7.0"}),
    ("2.0.0", "1.10.0", {"platform": UNKNOWN + "use 1.7.0", "runtime": UNKNOWN + "use 1.7.0"}),
    ("1.2.9", "1.6.1", {"platform": "runs no runtime newer than 1.3, and those before 1.4 need NATS, which is not "
                        "installed; use 1.6.1"}),
    ("1.2.9", "1.7.0", {"platform": "use 1.6.1"}),
    ("1.2.9", "1.3.0", {"platform": "use 1.6.1", "runtime": "use 1.4.0"}),
    ("v1.6.0", "1.6.1", {"platform": "use 1.6.0"}),
    ("1.7", "1.6.1", {"platform": "use 1.7.0"}),
    ("1.6", "1.6.1", {"platform": "use 1.6.1"}),
    ("v1.9.0", "1.6.1", {"platform": "use 1.6.1"}),
    ("1.6.1", "latest", {"runtime": "use 1.6.1"}),
    ("1.6.1", "1.7.0-rc1", {"runtime": "use 1.7.0"}),
    ("1.6.1", "1.9.0rc1", {"runtime": "use 1.6.1"}),
    ("1.6.1", "1.3.0.dev1", {"runtime": "use 1.6.1"}),
    ("1.6.1", "01.06.1", {"runtime": "use 1.6.1"}),
    ("1.9.0", "latest", {"platform": UNKNOWN + "use 1.7.0", "runtime": "use 1.6.1"}),
    ("1.6.1", "1.6.1\n", {"runtime": "use 1.6.1"}),
    ("1.6.1", "\uff11.\uff16.\uff11", {"runtime": "use 1.6.1"}),
    ("", "1.7.0", {"platform": "use 1.6.1"}),
    ("latest", "latest", {"platform": "use 1.6.1", "runtime": "use 1.6.1"}),
]  # fmt: skip


@pytest.mark.parametrize(("platform", "runtime", "ends"), PAIRS)
def test_a_pair_runs_or_is_refused_with_what_to_set(platform: str, runtime: str, ends: dict[str, str]) -> None:
    found = version_errors(platform, runtime)
    assert found.keys() == ends.keys()
    for key, advice in ends.items():
        assert found[key].endswith(advice)


parts = st.integers(0, 12).map(str)
releases = st.tuples(st.sampled_from("0122"), parts, parts).map(".".join)
texts = releases | st.sampled_from(["latest", "1.6", "v1.6.1", "1.7.0-rc1", "1.8.0rc2", "", "1", "1.06.1", "1.6.1 "])
PROPOSAL = re.compile(r"(use|set versions\.\w+ to|raise versions\.\w+ to) ([0-9.]+)")


@given(texts, texts)
def test_what_is_proposed_makes_the_error_go_away_and_brings_no_other(platform: str, runtime: str) -> None:
    found = version_errors(platform, runtime)
    for key, message in found.items():
        proposals = PROPOSAL.findall(message)
        assert proposals, message
        for words, version in proposals:
            changed = words.split(".")[1].split()[0] if "." in words else key
            after = version_errors(**({"platform": platform, "runtime": runtime} | {changed: version}))
            assert after.keys() <= found.keys() - {key}


def test_both_versions_are_refused_at_once_with_whatever_else_is_wrong() -> None:
    found = errors({"versions": {"platform": "latest", "runtime": "1.3.0"}, "models.chat.layout": "nope"})
    assert [error.path for error in found] == ["models.chat.layout", "versions.platform", "versions.runtime"]


def test_every_image_of_a_graph_is_of_the_runtime_and_the_chart_of_the_platform() -> None:
    plan = planned({"versions": {"platform": "1.7.0", "runtime": "1.5.2"}})
    images = [c.pod_template.spec.containers[0].image for c in build(plan.graphs[0], {}).spec.components]
    assert [image.rpartition(":")[2] for image in images] == ["1.5.2"] * 3
    assert plan.platform == "1.7.0"
    warned = [warning.partition(":")[0] for warning in plan.warnings]
    assert "versions.platform" in warned
    assert "versions.runtime" in warned
    assert not [warning for warning in planned().warnings if warning.startswith("versions")]


NEWEST = versions.dynamo().platform


def charts_error(charts: str, **others: str) -> str:
    """The only error of a stack with this location of charts; empty without one."""
    found = errors({"versions": {"charts": charts, **others}})
    assert {error.path for error in found} <= {"versions.charts"}
    return "; ".join(error.message for error in found)


@pytest.mark.parametrize(
    ("charts", "chart"),
    [
        ("https://charts.example.com/dynamo", f"https://charts.example.com/dynamo/dynamo-platform-{NEWEST}.tgz"),
        ("https://charts.example.com:8443/", f"https://charts.example.com:8443/dynamo-platform-{NEWEST}.tgz"),
        ("http://charts.example.com", f"http://charts.example.com/dynamo-platform-{NEWEST}.tgz"),
        ("oci://registry.example.com/charts", "oci://registry.example.com/charts/dynamo-platform"),
        ("oci://registry.example.com:5000/a/b/", "oci://registry.example.com:5000/a/b/dynamo-platform"),
        (None, f"{platform.CHARTS}/dynamo-platform-{NEWEST}.tgz"),
    ],
)
def test_the_chart_comes_from_where_the_stack_says(charts: str | None, chart: str) -> None:
    assert planned({"versions": {"charts": charts}}).platform_chart == chart


@pytest.mark.parametrize(
    ("charts", "says"),
    [
        ("", "is empty"),
        ("https://charts.example.com/my charts", "contains a space"),
        ("oci://registry.example.com\\charts", "a backslash"),
        ("./charts\n", "a control character"),
        ("charts", "did you mean ./charts?"),
        ("mirror/charts", "did you mean ./mirror/charts?"),
        ("registry.example.com/charts", "did you mean oci://registry.example.com/charts?"),
        ("localhost:5000/charts", "did you mean oci://localhost:5000/charts?"),
        ("~/charts", "did you mean /home/…/charts (~ is not expanded)?"),
        ("HTTPS://charts.example.com", "must be in lower case: https://"),
        ("file:///srv/charts", "write the folder's path"),
        ("s3://bucket/charts", 'the scheme "s3" is not one of https, http, oci'),
        ("https://", "names no host"),
        ("oci:///charts", "names no host"),
        ("https://charts.example.com:port/x", "is not a valid URL"),
        ("https://[bad/x", "is not a valid URL"),
        ("https://charts.example.com/x#1", "contains a query or a fragment"),
        (f"https://charts.example.com/x/dynamo-platform-{NEWEST}.tgz", "is a file; use https://charts.example.com/x:"),
        (f"./charts/dynamo-platform-{NEWEST}.tgz", "is a file; use ./charts:"),
        ("/dynamo-platform.tar.gz", "is a file; use /:"),
        ("oci://registry.example.com/charts/dynamo-platform", "use oci://registry.example.com/charts, to which"),
        (f"oci://registry.example.com/dynamo-platform:{NEWEST}", "use oci://registry.example.com, to which"),
        ("./no-such-folder", f"there is no file ./no-such-folder/dynamo-platform-{NEWEST}.tgz"),
        ("./my charts", "--destination './my charts'` fetches it"),
        ("/", f"there is no file /dynamo-platform-{NEWEST}.tgz"),
        (f"./{'x' * 5000}", "there is no file ./xxx"),
    ],
)  # fmt: skip
def test_a_location_without_the_chart_is_refused_with_the_right_one(charts: str, says: str) -> None:
    assert says in charts_error(charts)


@pytest.mark.parametrize(
    "charts",
    [
        "https://user:hunter2@charts.example.com/x",
        "oci://user:hunter2@registry.example.com",
        "https://user:hunter2/3@charts.example.com",
        "user:hunter2@registry.example.com/charts",
        "ftp://user:hunter2@charts.example.com",
        "https://charts.example.com/x?token=hunter2",
    ],
)
def test_credentials_in_a_location_are_refused_and_not_repeated(charts: str) -> None:
    message = charts_error(charts)
    assert message
    assert "hunter2" not in message


def test_a_folder_holds_the_chart_of_the_version(tmp_path: Path) -> None:
    file = tmp_path / f"dynamo-platform-{NEWEST}.tgz"
    file.touch()
    assert planned({"versions": {"charts": f"{tmp_path}/"}}).platform_chart == str(file)
    message = charts_error(str(tmp_path), platform="1.6.2")
    assert f"there is no file {tmp_path}/dynamo-platform-1.6.2.tgz" in message
    assert f"the folder has {file.name}" in message
    assert f"`helm pull {platform.chart('1.6.2')} --destination {tmp_path}` fetches it" in message


def test_a_location_that_nobody_reads_is_refused() -> None:
    shared = {
        "cluster.existing": {"name": "lab", "platform": "shared"},
        "versions.charts": "oci://r.example.com/charts",
    }
    (error,) = errors(shared)
    assert (error.path, error.message[:13]) == ("versions.charts", "has no effect")


def test_an_invalid_version_is_not_looked_for_in_the_folder() -> None:
    (error,) = errors({"versions": {"platform": "../x", "charts": "./charts"}})
    assert error.path == "versions.platform"


def test_a_chart_that_comes_unencrypted_is_warned_of() -> None:
    warned = planned({"versions": {"charts": "http://charts.example.com"}}).warnings
    assert [warning for warning in warned if warning.startswith("versions.charts") and "http://" in warning]
