"""The Jobs' own programs in a real control plane: they end as the cluster behaves, and say what they saw."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ops.rehearsal.kube import Kube, Object
from ops.rehearsal.kubelet.faults import Hub, Verification
from tests.rehearsal import graph
from tests.rehearsal.graph import NAMESPACE
from tests.rehearsal.running_jobs import Jobs, deployed
from tests.rehearsal.simulated import Cluster, wait_until

__all__ = ["deployed"]

REPOSITORY = "meta-llama/Llama-3.3-70B-Instruct"
SECONDS = 6
SHORT = ("--timeout", f"{SECONDS}")
"""For behavior that the verification waits out."""


@pytest.fixture
def jobs(deployed: Jobs) -> Jobs:
    """A graph that serves and a hub that answers, whatever the test before has done to them."""
    deployed.faults()
    graph.create_secret(deployed.kube)
    wait_until(lambda: graph.is_ready(deployed.kube))
    return deployed


@pytest.fixture
def without_right(deployed: Jobs) -> Iterator[Callable[[str], None]]:
    """Removes the rights on one resource from the verification's role, and restores them after the test."""
    role = next(each for each in graph.objects() if each["kind"] == "Role" and each["metadata"]["name"] == "chat-proof")

    def take(resource: str) -> None:
        rules = [rule for rule in role["rules"] if resource not in rule["resources"]]
        assert len(rules) == len(role["rules"]) - 1
        deployed.kube.patch(
            "rbac.authorization.k8s.io/v1", "Role", "chat-proof", {"rules": rules}, NAMESPACE, manager="test"
        )

    yield take
    deployed.kube.apply(role)


def test_a_good_graph_is_verified(jobs: Jobs) -> None:
    ended = jobs.run("chat-proof")
    assert (ended.condition, ended.exit_code, ended.message) == ("Complete", 0, "")
    judged = [line for line in ended.log if ": " in line]
    assert len(judged) == 8
    assert all(line.startswith("verified ") for line in judged)
    assert "8 of 8 ranks read KV cache over rc_mlx5 (RDMA)." in judged[-1]


BAD = [
    (Verification.PREFILL_IDLE, (), "not verified  prefill worker served: 0 requests for 4 answered prompts"),
    (Verification.TCP, (), 'reads of KV cache are "software emulation" on "tcp/eth0"'),
    (Verification.FAILED_TRANSFERS, (), "not verified  no transfer failed: 4 of 4 NIXL transfers failed."),
    (Verification.GARBAGE_METRICS, (), "not verified  prefill worker served: 0 requests for 20 answered prompts"),
    (Verification.NO_MODEL, SHORT, "/v1/models is empty until a prefill and a decode worker have registered."),
    (Verification.ERROR_BODY, SHORT, "is listed but does not answer: HTTP 200 without a chat completion in it."),
]


@pytest.mark.parametrize(("variant", "arguments", "says"), BAD, ids=[case[0] for case in BAD])
def test_a_bad_graph_fails_its_job(jobs: Jobs, variant: Verification, arguments: tuple[str, ...], says: str) -> None:
    jobs.faults({"kind": "verification", "graph": "chat", "variant": variant})
    if variant is Verification.TCP:  # the table is printed once in the life of a worker
        restart_workers(jobs.kube)
    ended = jobs.run("chat-proof", *arguments)
    if variant is Verification.TCP:
        jobs.faults()
        restart_workers(jobs.kube)
    assert (ended.condition, ended.reason, ended.exit_code) == ("Failed", "BackoffLimitExceeded", 1)
    assert says in ended.message


def restart_workers(kube: Kube) -> None:
    """Replaces the graph's worker pods."""
    old = {pod["metadata"]["uid"] for pod in workers(kube)}
    for pod in workers(kube):
        kube.delete("v1", "Pod", pod["metadata"]["name"], NAMESPACE)
    wait_until(lambda: not old & {pod["metadata"]["uid"] for pod in workers(kube)} and graph.is_ready(kube))


def workers(kube: Kube) -> list[Object]:
    kinds = "nvidia.com/dynamo-component-type in (prefill,decode)"
    return kube.list("v1", "Pod", NAMESPACE, kinds)


def test_another_graphs_fault_is_none(jobs: Jobs) -> None:
    jobs.faults({"kind": "verification", "graph": "other", "variant": Verification.NO_MODEL})
    assert jobs.run("chat-proof").condition == "Complete"


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ("pods", 'cannot tell   workers found: the Kubernetes API answered HTTP 403: {"kind":"Status"'),
        ("pods/log", "chat-decode-"),
    ],
)
def test_the_verification_needs_each_of_its_rights(
    jobs: Jobs, without_right: Callable[[str], None], resource: str, says: str
) -> None:
    """Its requests are made with the token of its own account."""
    without_right(resource)
    ended = jobs.run("chat-proof")
    assert (ended.condition, ended.exit_code) == ("Failed", 1)
    assert says in ended.message
    assert 'User \\"system:serviceaccount:dynamo:chat-proof\\" cannot' in ended.message


def test_a_service_that_selects_no_pods_is_unreachable(jobs: Jobs) -> None:
    service = jobs.kube.get("v1", "Service", "chat-frontend", NAMESPACE)
    selector = service["spec"]["selector"]
    misspelt = {key: f"{value}s" for key, value in selector.items()}
    jobs.kube.patch("v1", "Service", "chat-frontend", {"spec": {"selector": misspelt}}, NAMESPACE)
    try:
        ended = jobs.run("chat-proof", *SHORT)
    finally:
        jobs.kube.patch("v1", "Service", "chat-frontend", {"spec": {"selector": selector}}, NAMESPACE)
    assert ended.exit_code == 1
    assert f"not verified  model listed: not servable after {SECONDS} s" in ended.message


def bucket(jobs: Jobs) -> Path:
    (found,) = jobs.world.buckets.glob(f"*/{REPOSITORY}")
    return found


def test_weights_are_fetched_into_the_bucket_and_not_again(jobs: Jobs) -> None:
    first = jobs.run("weights")
    assert (first.condition, first.exit_code) == ("Complete", 0)
    (marker,) = bucket(jobs).glob("*.complete.json")
    files = json.loads(marker.read_text())["files"]
    revision = marker.with_name(marker.name.removesuffix(".complete.json"))
    assert {path.name: path.stat().st_size for path in revision.iterdir()} == {
        name: about["size"] for name, about in files.items()
    }
    assert "all 4 files already exist" in jobs.run("weights").log[0]

    marker.unlink()
    (revision / "config.json").write_text("{}")
    resumed = jobs.run("weights").log
    assert [line.split()[1] for line in resumed if line.startswith("[") and "already exists" not in line] == [
        "config.json:"
    ]
    assert sum("already exists" in line for line in resumed) == 3
    assert marker.exists()


HUBS = [
    (Hub.GATED, (), "the hub rejects the token in HF_TOKEN (HTTP 403)"),
    (Hub.MISSING, (), "the hub does not have it (HTTP 404); check repository and revision"),
    (Hub.RATE_LIMITED, (), "HTTP 429; the next attempt, in 86400 s, would be after the deadline"),
    (Hub.TRUNCATED, ("--attempts", "2", "--backoff", "0.1"), "failed after 2 attempts; last error: "),
    (Hub.WRONG_CONTENT, (), "the hub sends content that does not have the hash of its index"),
]


@pytest.mark.parametrize(("variant", "arguments", "says"), HUBS, ids=[case[0] for case in HUBS])
def test_a_bad_hub_fails_the_fetch(jobs: Jobs, variant: Hub, arguments: tuple[str, ...], says: str) -> None:
    jobs.faults({"kind": "hub", "variant": variant})
    # Another repository's folder, which no other test has filled.
    ended = jobs.run("weights", "--repository", f"acme/{variant.replace(' ', '-')}", *arguments)
    assert (ended.condition, ended.exit_code) == ("Failed", 1)
    assert says in ended.message
    assert graph.TOKEN not in "".join(ended.log)


def test_a_gated_repository_needs_the_token(jobs: Jobs) -> None:
    jobs.kube.patch("v1", "Secret", "hf-token", {"stringData": {"HF_TOKEN": ""}}, NAMESPACE)
    try:
        ended = jobs.run("weights", "--target", "/models/another")
    finally:
        jobs.kube.patch("v1", "Secret", "hf-token", {"stringData": {"HF_TOKEN": graph.TOKEN}}, NAMESPACE)
    assert ended.exit_code == 1
    assert "the hub requires a token (HTTP 401)" in ended.message


def test_a_failed_pod_is_tried_again(jobs: Jobs) -> None:
    """The retry is the Job controller's, after its 10 s."""
    jobs.faults({"kind": "hub", "variant": Hub.WRONG_CONTENT})
    started = jobs.start("weights", "--repository", "acme/again", backoffLimit=1)
    wait_until(lambda: any(pod["status"].get("phase") == "Failed" for pod in jobs.pods(started)))
    jobs.faults()
    assert jobs.ended(started).condition == "Complete"
    assert sorted(pod["status"]["phase"] for pod in jobs.pods(started)) == ["Failed", "Succeeded"]


def test_a_pod_waits_for_a_secret_and_says_so(jobs: Jobs) -> None:
    jobs.kube.delete("v1", "Secret", "hf-token", NAMESPACE)
    started = jobs.start("weights")

    def waiting() -> dict[str, str]:
        statuses = [each for pod in jobs.pods(started) for each in pod["status"].get("containerStatuses", ())]
        return statuses[0]["state"].get("waiting", {}) if statuses else {}

    wait_until(waiting)
    assert waiting() == {"reason": "CreateContainerConfigError", "message": 'secret "hf-token" not found'}
    graph.create_secret(jobs.kube)
    assert jobs.ended(started).condition == "Complete"


@pytest.mark.parametrize("late", [False, True], ids=["deleted", "late"])
def test_a_job_that_is_deleted_or_late_leaves_no_process(jobs: Jobs, late: bool) -> None:
    jobs.faults({"kind": "verification", "variant": Verification.NO_MODEL})
    started = jobs.start("chat-proof", "--timeout", "600")
    wait_until(lambda: processes(jobs.pods(started)))
    pods = jobs.pods(started)
    job = ("batch/v1", "Job", started["metadata"]["name"])
    if late:  # by now: a deadline from the start on may end the pod before its program runs
        jobs.kube.patch(*job, {"spec": {"activeDeadlineSeconds": 1}}, NAMESPACE)
    else:
        jobs.kube.delete(*job, NAMESPACE)
    wait_until(lambda: not jobs.pods(started))
    assert not processes(pods)
    if late:
        wait_until(lambda: "DeadlineExceeded" in jobs.reasons(started))


def processes(pods: Sequence[Object]) -> list[int]:
    """The processes of pods, by their host name: other rehearsals of this machine run the same programs."""
    hosts = {f"HOSTNAME={pod['metadata']['name']}".encode() for pod in pods}
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = path.read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if hosts & {*variables}:
            found.append(int(path.parent.name))
    return found


def test_a_restart_of_the_api_server_loses_no_job(jobs: Jobs, cluster: Cluster) -> None:
    jobs.faults({"kind": "verification", "variant": Verification.NO_MODEL})
    started = jobs.start("chat-proof", "--timeout", "600")
    wait_until(lambda: any(pod["status"].get("phase") == "Running" for pod in jobs.pods(started)))
    cluster.plane.restart_api_server()
    jobs.faults()
    assert jobs.ended(started).condition == "Complete"
