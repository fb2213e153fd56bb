"""A Job that fails also fails `pulumi up`, which prints the Job's own sentence; the next `pulumi up` runs it again.

The engine, the Kubernetes provider and the control plane are real; the program has the one Job as its only resource.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation

from ops.rehearsal.kubelet.faults import Hub, Verification
from ops.rehearsal.programs import Programs
from tests.rehearsal import graph
from tests.rehearsal.installed import pulumi_stack
from tests.rehearsal.running_jobs import Jobs, deployed

__all__ = ["deployed"]


def engine(jobs: Jobs, programs: Programs, folder: Path, job: dict[str, Any]) -> automation.Stack:
    """A stack whose program is the Job."""

    def program() -> None:
        provider = k8s.Provider("cluster", kubeconfig=str(jobs.world.kubeconfig))
        k8s.apiextensions.CustomResource(
            "job",
            api_version="batch/v1",
            kind="Job",
            metadata=job["metadata"],
            spec=job["spec"],
            opts=pulumi.ResourceOptions(provider=provider, custom_timeouts=pulumi.CustomTimeouts(create="2m")),
        )

    return pulumi_stack(program, programs, folder)


CASES: list[tuple[str, dict[str, str], str]] = [
    (
        "chat-proof",
        {"kind": "verification", "graph": "chat", "variant": Verification.FAILED_TRANSFERS},
        "not verified  no transfer failed: 4 of 4 NIXL transfers failed.",
    ),
    (
        "weights",
        {"kind": "hub", "variant": Hub.GATED},
        "error: meta-llama/Llama-3.3-70B-Instruct: the hub rejects the token in HF_TOKEN (HTTP 403)",
    ),
]


@pytest.mark.parametrize(("prefix", "fault", "says"), CASES, ids=[case[0] for case in CASES])
def test_a_failed_job_fails_the_update_and_runs_again_in_the_next(
    deployed: Jobs, programs: Programs, tmp_path: Path, prefix: str, fault: dict[str, str], says: str
) -> None:
    job = graph.job(prefix)
    job["spec"]["backoffLimit"] = 0  # prod's six attempts to fetch take five minutes
    stack = engine(deployed, programs, tmp_path, job)
    deployed.faults(fault)
    with pytest.raises(automation.CommandError) as failed:
        stack.up(color="never")
    assert says in str(failed.value)
    deployed.faults()
    changed = updated(stack.up)
    assert changed == {"same": 2, "replace": 1}
    (status,) = (each["status"] for each in deployed.kube.list("batch/v1", "Job", graph.NAMESPACE) if named(each, job))
    assert status["succeeded"] == 1
    assert updated(stack.up) == {"same": 3}


def updated(up: Callable[..., automation.UpResult]) -> dict[str, int]:
    """What an update did, by kind of change."""
    return {str(kind): number for kind, number in (up(color="never").summary.resource_changes or {}).items()}


def named(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["metadata"]["name"] == other["metadata"]["name"]
