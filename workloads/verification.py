"""The Job that verifies, before an endpoint is published, that its graph serves disaggregated."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from catalog.engines import Engine
from manifests import ports
from manifests.graph import frontend_image
from manifests.labels import NODE_POOL, VERIFICATION
from manifests.pod_security import unprivileged
from planning import names
from planning.graph_parts import Transport
from planning.graph_parts import Verification as Asked
from planning.pools import SYSTEM_POOL
from planning.types import Graph
from planning.waits import Wait
from workloads.custom_object import REPLACE_UNREADY
from workloads.evidence import port_arguments, transfer_arguments, transport_arguments

PACKAGE = Path(__file__).parent / "jobs" / "verify"
# Python's working directory, which contains the package's folder.
_FOLDER = "/jobs"


@dataclass(frozen=True, kw_only=True)
class VerificationArgs:
    graph: Graph
    graph_manifest: dict[str, Any]
    """The graph's manifest. Each change of it leads to a new verification."""
    wait: Wait
    labels: dict[str, str]


def modules() -> dict[str, str]:
    """The program: file name → text."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.glob("*.py"))}


def arguments(graph: Graph) -> list[str]:
    """The Job's arguments for a graph."""
    return command_line(
        graph=graph.name,
        namespace=graph.namespace,
        served_name=graph.served_name,
        roles=[worker.role.value for worker in graph.workers],
        runs=graph.runs,
        asked=graph.verification,
    )


def command_line(
    *, graph: str, namespace: str, served_name: str, roles: Sequence[str], runs: Engine, asked: Asked
) -> list[str]:
    """The program's arguments for the graph of this name."""
    return [
        *("--endpoint", f"http://{names.frontend_service(graph)}.{namespace}.svc:{ports.FRONTEND}"),
        *("--model", served_name),
        *("--pods", f"{namespace}/{graph}"),
        *("--roles", *roles),
        *port_arguments(runs),
        *(transfer_arguments(asked.transfer) if asked.transfer else ()),
        *(_transport(asked.transport) if asked.transport else ()),
        *(() if asked.required else ("--report-only",)),
        *("--timeout", str(asked.timeout_seconds)),
    ]


def _transport(asked: Transport) -> list[str]:
    ranks = str(asked.ranks)
    return ["--transport", asked.declared.value, "--ranks", ranks, *transport_arguments(asked.evidence)]


def job_spec(
    graph: str, image: str, args: list[str], *, asked: Asked, on_system_pool: bool, service_account: str, script: str
) -> dict[str, Any]:
    """A Job's spec: the program from a ConfigMap, in an image that the system pool already has."""
    return {
        "backoffLimit": asked.retries,
        "activeDeadlineSeconds": asked.deadline_seconds,
        "template": {
            "metadata": {"labels": {VERIFICATION: graph}},
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": service_account,
                **({"nodeSelector": {NODE_POOL: SYSTEM_POOL}} if on_system_pool else {}),
                "containers": [
                    {
                        "name": "main",
                        "image": image,
                        "command": ["python3", "-m", PACKAGE.name],
                        "args": args,
                        "workingDir": _FOLDER,
                        "resources": {
                            "requests": {"cpu": asked.size.cpu, "memory": asked.size.memory},
                            "limits": {"memory": asked.max_memory},
                        },
                        "securityContext": unprivileged().to_wire() | {"readOnlyRootFilesystem": True},
                        # Puts failed checks into the pod's status, where Pulumi shows them.
                        "terminationMessagePolicy": "FallbackToLogsOnError",
                        "volumeMounts": [{"name": "script", "mountPath": f"{_FOLDER}/{PACKAGE.name}"}],
                    }
                ],
                "volumes": [{"name": "script", "configMap": {"name": script}}],
            },
        },
    }


def account_name(graph: str) -> str:
    """Name of the verification's ServiceAccount, Role and ConfigMap for a graph, and prefix of its Job's name."""
    return f"{graph}-proof"


def digest(*parts: str) -> str:
    """Eight hexadecimal digits that change with any of the parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


class Verification(pulumi.ComponentResource):
    """Job that fails the update if the graph does not serve disaggregated. Published endpoints must depend on it.

    The Job may read the graph's pods (for their metrics addresses) and their logs (for the transport that UCX chose).
    Its names contain `proof`, its first name, because a new name would replace the resources.
    """

    job: k8s.apiextensions.CustomResource

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="dynamo-gke:workloads:Proof")])
        options = pulumi.ResourceOptions.merge(opts, former)
        super().__init__("dynamo-gke:workloads:Verification", name, None, options)
        child = pulumi.ResourceOptions(parent=self)
        program = modules()
        manifest = json.dumps(args.graph_manifest, sort_keys=True)
        account = account_name(args.graph.name)

        def metadata(physical: str = account) -> k8s.meta.v1.ObjectMetaArgs:
            return k8s.meta.v1.ObjectMetaArgs(name=physical, namespace=args.graph.namespace, labels=args.labels)

        needed: list[pulumi.Resource] = [
            k8s.core.v1.ServiceAccount(f"{name}-account", metadata=metadata(), opts=child),
            k8s.rbac.v1.Role(
                f"{name}-role",
                metadata=metadata(),
                rules=[
                    k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["pods"], verbs=["list"]),
                    k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["pods/log"], verbs=["get"]),
                ],
                opts=child,
            ),
            k8s.rbac.v1.RoleBinding(
                f"{name}-binding",
                metadata=metadata(),
                role_ref=k8s.rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=account),
                subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=account, namespace=args.graph.namespace)],
                opts=child,
            ),
            k8s.core.v1.ConfigMap(f"{name}-script", metadata=metadata(), data=program, opts=child),
        ]
        self.job = k8s.apiextensions.CustomResource(
            f"{name}-job",
            api_version="batch/v1",
            kind="Job",
            metadata={
                # A finished Job never runs again, so a changed graph, program or argument gets a new name.
                "name": f"{account}-{digest(manifest, *program.values(), *arguments(args.graph))}",
                "namespace": args.graph.namespace,
                "labels": args.labels,
                "annotations": REPLACE_UNREADY,
            },
            spec=job_spec(
                args.graph.name,
                frontend_image(args.graph.runtime),
                arguments(args.graph),
                asked=args.graph.verification,
                on_system_pool=args.graph.on_system_pool,
                service_account=account,
                script=account,
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=needed, custom_timeouts=pulumi.CustomTimeouts(**asdict(args.wait))
            ),
        )
        self.register_outputs({})
