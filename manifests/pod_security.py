"""Restricts the privileges of pods in the graphs' namespace, by Pod Security labels and an admission policy.

A Pod Security label sets one level for a whole namespace. RDMA workers add two capabilities that every level except
`privileged` forbids, so with them the label cannot reject anything. A ValidatingAdmissionPolicy does it instead: it
limits GPU workers to `baseline` plus those two capabilities, and every other pod to `restricted`.

The policy is stricter than the Pod Security Standards: it allows no sysctls, SELinux types or profiles, not even
harmless ones, because no pod of a stack sets any.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any

from catalog.contracts import Role
from catalog.rdma import MODES
from manifests import dgd, labels
from planning import names
from planning.surroundings import PodSecurityLevel, UnrestrictedWorkers

API_VERSION = "admissionregistration.k8s.io/v1"
POLICY_KIND = "ValidatingAdmissionPolicy"
BINDING_KIND = "ValidatingAdmissionPolicyBinding"

RDMA_CAPABILITIES = tuple(dict.fromkeys(capability for mode in MODES for capability in mode.capabilities))
"""Capabilities for RDMA, whose registered memory is locked and must not be limited."""

IMAGE_USER = 1000
"""User id of Dynamo's images, which name the user by text. With runAsNonRoot, the kubelet starts such an image only if
the pod sets the number."""

VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
"""Allowed kinds of volumes, which the cluster manages. Other kinds are paths of the node or external servers."""

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


@cache
def unprivileged() -> dgd.SecurityContext:
    """The securityContext with which a container of Dynamo's images meets `restricted`."""
    return dgd.SecurityContext(
        run_as_user=IMAGE_USER,
        run_as_non_root=True,
        allow_privilege_escalation=False,
        capabilities=dgd.Capabilities(drop=("ALL",)),
        seccomp_profile=dgd.SeccompProfile(type="RuntimeDefault"),
    )


def namespace_labels(*, enforce: PodSecurityLevel, warn: PodSecurityLevel) -> dict[str, str]:
    """The Pod Security labels of a namespace: the level to enforce, and the level to warn and audit for."""
    return {
        "pod-security.kubernetes.io/enforce": enforce,
        "pod-security.kubernetes.io/audit": warn,
        "pod-security.kubernetes.io/warn": warn,
    }


def policy(namespace: str, workers: UnrestrictedWorkers, labels: dict[str, str]) -> dict[str, Any]:
    """The ValidatingAdmissionPolicy. It checks pods after the API server's defaults and all injections.

    A pod's security fields cannot change after its creation; only ephemeral containers can be added, through their own
    subresource. The policy ignores other updates, such as the removal of a Job's finalizer; otherwise a pod that is
    older than the policy could not be deleted.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": POLICY_KIND,
        "metadata": {"name": policy_name(namespace), "labels": labels},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    _resource_rule("CREATE", "pods"),
                    _resource_rule("UPDATE", "pods/ephemeralcontainers"),
                ]
            },
            "variables": [{"name": name, "expression": text} for name, text in _variables(workers)],
            "validations": [{"expression": text, "message": message} for message, text in _validations()],
        },
    }


def binding(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """The binding of the policy to the namespace, by the name label that the API server sets."""
    return {
        "apiVersion": API_VERSION,
        "kind": BINDING_KIND,
        "metadata": {"name": policy_name(namespace), "labels": labels},
        "spec": {
            "policyName": policy_name(namespace),
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
        },
    }


def policy_name(namespace: str) -> str:
    return names.cluster_scoped(namespace, "graph-pods")


def _resource_rule(operation: str, resource: str) -> dict[str, Any]:
    return {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]}


def _variables(workers: UnrestrictedWorkers) -> list[tuple[str, str]]:
    """Variables of the validations, each with its CEL expression. A later one may use an earlier one."""
    return [
        (
            "containers",
            "object.spec.containers"
            " + (has(object.spec.initContainers) ? object.spec.initContainers : [])"
            " + (has(object.spec.ephemeralContainers) ? object.spec.ephemeralContainers : [])",
        ),
        ("pod", "has(object.spec.securityContext) ? object.spec.securityContext : {}"),
        ("contexts", "variables.containers.map(c, has(c.securityContext) ? c.securityContext : {})"),
        ("onGpus", _is_worker(workers.on_gpus)),
        ("pinning", _is_worker(workers.pinning)),
    ]


def _is_worker(graphs: Sequence[str]) -> str:
    """CEL expression: whether the pod is a worker of one of the graphs, by the operator's labels."""
    if not graphs:
        return "false"
    wanted = ((labels.GRAPH, graphs), (labels.COMPONENT_TYPE, [role.value for role in Role]))
    return "has(object.metadata.labels)" + "".join(
        f" && '{key}' in object.metadata.labels && object.metadata.labels['{key}'] in {sorted(values)}"
        for key, values in wanted
    )


def _validations() -> list[tuple[str, str]]:
    """The rules for pods: message, and the CEL expression that must be true."""
    return [
        *(
            (f"a pod must not set {key}", f"!has(object.spec.{key}) || !object.spec.{key}")
            for key in ("hostNetwork", "hostPID", "hostIPC")
        ),
        (
            f"a pod's volumes must be of the kinds {', '.join(VOLUMES)}",
            "!has(object.spec.volumes) || object.spec.volumes.all(v, "
            + " || ".join(f"has(v.{kind})" for kind in VOLUMES)
            + ")",
        ),
        (
            "a container must not be privileged",
            "variables.contexts.all(s, !has(s.privileged) || !s.privileged)",
        ),
        (
            f"a container must not add capabilities; `main` of a worker that uses RDMA may add "
            f"{' and '.join(RDMA_CAPABILITIES)}",
            "variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.capabilities)"
            " || !has(c.securityContext.capabilities.add) || c.securityContext.capabilities.add.all(a, "
            f"variables.pinning && c.name == 'main' && a in {list(RDMA_CAPABILITIES)}))",
        ),
        (
            "procMount must be Default",
            "variables.contexts.all(s, !has(s.procMount) || s.procMount == 'Default')",
        ),
        (
            "a container must not take a port of its node",
            "variables.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))",
        ),
        (
            "a probe or a lifecycle hook must not name a host",
            f"variables.containers.all(c, {_no_probed_host()})",
        ),
        *(
            (
                f"{profile} must be RuntimeDefault",
                f"([variables.pod] + variables.contexts).all(s, !has(s.{profile})"
                f" || s.{profile}.type == 'RuntimeDefault')",
            )
            for profile in ("seccompProfile", "appArmorProfile")
        ),
        (
            "appArmorProfile must be RuntimeDefault, as an annotation, too",
            "!has(object.metadata.annotations) || object.metadata.annotations.all(k, "
            f"!k.startsWith('{_APPARMOR}') || object.metadata.annotations[k] == 'runtime/default')",
        ),
        *(
            (f"a pod must not set {key}", f"([variables.pod] + variables.contexts).all(s, !has(s.{key}))")
            for key in ("sysctls", "seLinuxOptions", "windowsOptions")
        ),
        *((f"{message}, but for workers on GPUs", f"variables.onGpus || ({text})") for message, text in _restricted()),
    ]


def _restricted() -> list[tuple[str, str]]:
    """The rules that `restricted` adds to `baseline`."""
    return [
        (
            "a container must set allowPrivilegeEscalation to false",
            "variables.contexts.all(s, has(s.allowPrivilegeEscalation) && !s.allowPrivilegeEscalation)",
        ),
        (
            "a container must drop ALL capabilities",
            "variables.contexts.all(s, has(s.capabilities) && has(s.capabilities.drop)"
            " && 'ALL' in s.capabilities.drop)",
        ),
        (
            "a pod or each of its containers must set runAsNonRoot to true",
            "variables.contexts.all(s, has(s.runAsNonRoot) ? s.runAsNonRoot"
            " : has(variables.pod.runAsNonRoot) && variables.pod.runAsNonRoot)",
        ),
        (
            "a pod must not run as user 0",
            "([variables.pod] + variables.contexts).all(s, !has(s.runAsUser) || s.runAsUser != 0)",
        ),
        (
            "a pod or each of its containers must set seccompProfile",
            "has(variables.pod.seccompProfile) || variables.contexts.all(s, has(s.seccompProfile))",
        ),
    ]


def _no_probed_host() -> str:
    """The rule against hosts in probes, to which the kubelet would send requests from its node."""
    handlers = [
        *product(("livenessProbe", "readinessProbe", "startupProbe"), [()]),
        *product(["lifecycle"], [("postStart",), ("preStop",)]),
    ]
    terms: list[str] = []
    for (first, more), action in product(handlers, ("httpGet", "tcpSocket")):
        path = ["c"]
        absent: list[str] = []
        for key in (first, *more, action, "host"):
            path.append(key)
            absent.append(f"!has({'.'.join(path)})")
        terms.append(f"({' || '.join(absent)} || {'.'.join(path)} == '')")
    return " && ".join(terms)
