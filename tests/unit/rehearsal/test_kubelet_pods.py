"""What the stand-in kubelet reads from pods, and the status that it reports."""

from typing import Any

import pytest
import yaml

from manifests.labels import COMPONENT_TYPE, GRAPH
from ops.rehearsal.kubelet import kwok_config, pod_status
from ops.rehearsal.kubelet.graph_pods import FrontendPod, WorkerPod, read
from ops.rehearsal.kubelet.pod_status import Ended, message

TIME = "2026-11-28T23:00:00Z"
SHELL = ["/bin/bash", "-c", 'export X=1; exec python3 -m dynamo.vllm "$@"', "dynamo-vllm"]


def pod(kind: str = "decode", **container: Any) -> dict[str, Any]:
    main = {"name": "main", "image": "image", "command": SHELL, "args": ["--served-model-name", "llama"], **container}
    labels = {GRAPH: "chat", COMPONENT_TYPE: kind}
    metadata = {"name": "chat-0", "namespace": "dynamo", "uid": "u", "labels": labels}
    return {"metadata": metadata, "spec": {"containers": [main]}, "status": {}}


def worker(**container: Any) -> WorkerPod:
    found = read(pod(**container))
    assert isinstance(found, WorkerPod)
    return found


def environment(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def test_a_worker_is_read_from_its_command_line_and_variables() -> None:
    found = worker(env=environment(DYN_SYSTEM_PORT="9091"), resources={"limits": {"nvidia.com/gpu": "8"}})
    assert (found.engine, found.model, found.port, found.ranks) == ("vllm", "llama", 9091, 8)
    assert worker().port is None


def test_a_frontend_and_other_pods() -> None:
    assert read(pod("frontend")) == FrontendPod("dynamo", "chat", 8000)
    other = pod()
    other["metadata"]["labels"] = {}
    assert read(other) is None


@pytest.mark.parametrize(
    ("claims", "tls", "rdma"),
    [(True, None, True), (False, None, False), (True, "cuda_copy,tcp", False), (True, "rc,cuda_copy", True)],
)
def test_rdma_needs_devices_and_no_variable_against_it(claims: bool, tls: str | None, rdma: bool) -> None:
    resources = {"claims": [{"name": "rdma"}]} if claims else {}
    assert worker(resources=resources, env=environment(UCX_TLS=tls) if tls else []).has_rdma is rdma


def test_networks_of_the_pod_are_rdma_too() -> None:
    one = pod()
    one["metadata"]["annotations"] = {"networking.gke.io/interfaces": "[]"}
    found = read(one)
    assert isinstance(found, WorkerPod)
    assert found.has_rdma


@pytest.mark.parametrize(
    ("variables", "prints"),
    [
        ({"UCX_PROTO_INFO": "remote memory read*", "UCX_LOG_FILE": "stderr"}, True),
        ({"UCX_PROTO_INFO": "remote memory write*", "UCX_LOG_FILE": "stderr"}, False),
        ({"UCX_PROTO_INFO": "remote memory read*"}, False),
        ({"UCX_LOG_FILE": "stderr"}, False),
    ],
)
def test_tables_are_printed_only_where_the_variables_ask_for_them(variables: dict[str, str], prints: bool) -> None:
    assert worker(env=environment(**variables)).prints_tables_of("read") is prints


LOG = [f"line {number}" for number in range(200)]
FALLBACK = {"terminationMessagePolicy": "FallbackToLogsOnError"}


@pytest.mark.parametrize(
    ("container", "code", "written", "wanted"),
    [
        (FALLBACK, 1, b"", "".join(f"{line}\n" for line in LOG[-80:])),
        (FALLBACK, 1, b"own words", "own words"),
        (FALLBACK, 0, b"", ""),
        ({}, 1, b"", ""),
    ],
)
def test_the_message_is_the_file_or_the_end_of_the_log(
    container: dict[str, Any], code: int, written: bytes, wanted: str
) -> None:
    assert message(container, code, written, LOG) == wanted
    assert len(message(FALLBACK, 1, b"", ["x" * 5000])) == 2048


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (1, "Failed"), (143, "Failed")])
def test_the_final_status_keeps_conditions_of_others(code: int, phase: str) -> None:
    scheduled = {"type": "PodScheduled", "status": "True"}
    ready = {"type": "Ready", "status": "True"}
    one = {**pod(), "status": {"conditions": [scheduled, ready]}}
    found = pod_status.ended(one, Ended(code, "Error", "why", TIME, TIME))
    assert found["phase"] == phase
    assert scheduled in found["conditions"]
    assert [each["status"] for each in found["conditions"] if each["type"] == "Ready"] == ["False"]
    assert found["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code


def test_kwok_leaves_the_pods_of_jobs_alone() -> None:
    stages = [each for each in yaml.safe_load_all(kwok_config().read_text()) if each["kind"] == "Stage"]
    pods = [each["spec"] for each in stages if each["spec"]["resourceRef"]["kind"] == "Pod"]
    assert pods
    without_jobs = {"key": ".metadata.ownerReferences.[].kind", "operator": "NotIn", "values": ["Job"]}
    assert all(without_jobs in spec["selector"]["matchExpressions"] for spec in pods)
    assert {each["spec"]["resourceRef"]["kind"] for each in stages} == {"Node", "Pod"}
