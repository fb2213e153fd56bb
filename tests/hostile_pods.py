"""Pods that request more node access than a graphs' namespace allows, each with words of the rejection."""

from copy import deepcopy
from typing import Any

from manifests import labels

RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(name: str = "main", **more: Any) -> dict[str, Any]:
    """A container that meets `restricted`."""
    return {"name": name, "image": "tool:1.2.3", "securityContext": deepcopy(RESTRICTED), **more}


def pod(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod that meets `restricted`, with changes."""
    metadata: dict[str, Any] = {"name": "tool"}
    metadata |= {"labels": labels} if labels else {}
    metadata |= {"annotations": annotations} if annotations else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container()], **spec}}


def with_context(**security: Any) -> dict[str, Any]:
    """A pod of one container with other fields in its securityContext; None removes a field."""
    changed = {key: value for key, value in {**RESTRICTED, **security}.items() if value is not None}
    return pod(containers=[container(securityContext=changed)])


def worker_labels(graph: str = "chat", kind: str = "prefill") -> dict[str, str]:
    return {labels.GRAPH: graph, labels.COMPONENT_TYPE: kind}


def labeled(pod: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """The same pod with more labels, which anyone who creates pods can set."""
    changed = deepcopy(pod)
    changed["metadata"].setdefault("labels", {}).update(labels)
    return changed


def moved(pod: dict[str, Any], to: str) -> dict[str, Any]:
    """The same pod with its containers in another list of its spec, next to a harmless one."""
    changed = deepcopy(pod)
    more = {"restartPolicy": "Always"} if to == "initContainers" else {}  # without it they may have no probes
    changed["spec"][to] = [{**c, **more, "name": f"moved-{c['name']}"} for c in changed["spec"]["containers"]]
    changed["spec"]["containers"] = [container()]
    return changed


def _probed(**probe: Any) -> dict[str, Any]:
    return pod(containers=[container(livenessProbe=probe)])


def _adding(*capabilities: str) -> dict[str, Any]:
    return with_context(capabilities={"add": list(capabilities), "drop": ["ALL"]})


HOSTILE_PODS: dict[str, tuple[dict[str, Any], str]] = {
    "host network": (pod(hostNetwork=True), "hostNetwork"),
    "host pid": (pod(hostPID=True), "hostPID"),
    "host ipc": (pod(hostIPC=True), "hostIPC"),
    "host path": (pod(volumes=[{"name": "x", "hostPath": {"path": "/"}}]), "volumes"),
    "nfs": (pod(volumes=[{"name": "x", "nfs": {"server": "x", "path": "/"}}]), "volumes"),
    "second volume": (
        pod(volumes=[{"name": "a", "emptyDir": {}}, {"name": "x", "hostPath": {"path": "/dev"}}]),
        "volumes",
    ),
    "pod seccomp": (pod(securityContext={"seccompProfile": {"type": "Unconfined"}}), "seccompProfile"),
    "pod apparmor": (pod(securityContext={"appArmorProfile": {"type": "Unconfined"}}), "appArmorProfile"),
    "apparmor annotation": (
        pod(annotations={"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}),
        "appArmorProfile",
    ),
    "sysctl": (pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), "sysctls"),
    "pod selinux": (pod(securityContext={"seLinuxOptions": {"type": "spc_t"}}), "seLinuxOptions"),
    "windows host process": (
        pod(
            hostNetwork=True,
            securityContext={"windowsOptions": {"hostProcess": True, "runAsUserName": "x"}},
            os={"name": "windows"},
            containers=[{"name": "main", "image": "tool:1"}],
        ),
        "windowsOptions",
    ),
}
"""Pods that request more node access than any pod of the namespace may have, with words of the rejection."""

HOSTILE_CONTAINERS: dict[str, tuple[dict[str, Any], str]] = {
    "privileged": (with_context(privileged=True, allowPrivilegeEscalation=None), "privileged"),
    "capability": (_adding("SYS_ADMIN"), "add capabilities"),
    "every capability": (_adding("ALL"), "add capabilities"),
    "capability, long name": (_adding("CAP_SYS_PTRACE"), "add capabilities"),
    "capability, lower case": (_adding("sys_admin"), "add capabilities"),
    "RDMA's and another": (_adding("IPC_LOCK", "SYS_RESOURCE", "NET_RAW"), "add capabilities"),
    "capability of baseline": (_adding("SYS_CHROOT"), "add capabilities"),
    "second container": (
        pod(containers=[container(), container("x", securityContext={"privileged": True})]),
        "privileged",
    ),
    "proc": (
        pod(hostUsers=False, containers=[container(securityContext={**RESTRICTED, "procMount": "Unmasked"})]),
        "procMount",
    ),
    "seccomp": (with_context(seccompProfile={"type": "Unconfined"}), "seccompProfile"),
    "seccomp of the node": (
        with_context(seccompProfile={"type": "Localhost", "localhostProfile": "x"}),
        "seccompProfile",
    ),
    "apparmor": (with_context(appArmorProfile={"type": "Unconfined"}), "appArmorProfile"),
    "selinux": (with_context(seLinuxOptions={"user": "system_u"}), "seLinuxOptions"),
}
"""Containers that request more, in any list of a pod."""

HOSTILE_REGULAR: dict[str, tuple[dict[str, Any], str]] = {
    "host port": (
        pod(containers=[container(ports=[{"containerPort": 80}, {"containerPort": 1, "hostPort": 1}])]),
        "port of its node",
    ),
    "probe of another host": (_probed(httpGet={"port": 80, "host": "169.254.169.254"}), "host"),
    "tcp probe of another host": (_probed(tcpSocket={"port": 80, "host": "10.0.0.1"}), "host"),
    "hook to another host": (
        pod(containers=[container(lifecycle={"preStop": {"httpGet": {"port": 80, "host": "10.0.0.1"}}})]),
        "host",
    ),
}
"""Containers that request more, in fields that ephemeral containers lack."""

UNRESTRICTED: dict[str, tuple[dict[str, Any], str]] = {
    "says nothing": (pod(containers=[{"name": "main", "image": "tool:1.2.3"}]), "allowPrivilegeEscalation"),
    "escalation": (with_context(allowPrivilegeEscalation=True), "allowPrivilegeEscalation"),
    "escalation unset": (with_context(allowPrivilegeEscalation=None), "allowPrivilegeEscalation"),
    "drops nothing": (with_context(capabilities=None), "drop ALL"),
    "drops some": (with_context(capabilities={"drop": ["NET_RAW"]}), "drop ALL"),
    "root": (with_context(runAsUser=0, runAsNonRoot=None), "runAsNonRoot"),
    "root by number": (with_context(runAsUser=0), "user 0"),
    "root of the pod": (pod(securityContext={"runAsUser": 0}), "user 0"),
    "root in spite of the pod": (
        pod(
            securityContext={"runAsNonRoot": True},
            containers=[container(securityContext={**RESTRICTED, "runAsNonRoot": False})],
        ),
        "runAsNonRoot",
    ),
    "no seccomp": (with_context(seccompProfile=None), "seccompProfile"),
    "one container of two": (
        pod(containers=[container(), {"name": "x", "image": "tool:1.2.3"}]),
        "allowPrivilegeEscalation",
    ),
}
"""Pods that meet `baseline` but not `restricted`, which only GPU workers may."""
