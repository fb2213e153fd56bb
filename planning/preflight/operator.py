"""Checks whether an existing cluster has the Dynamo operator that the stack uses, or none besides the stack's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog import versions
from planning.preflight.check import PASSED, CheckResult, PreflightCheck, Verdict, failed

# The chart's label of the operator's Deployment.
SELECTOR = "app.kubernetes.io/name=dynamo-operator"
_VERSION = "app.kubernetes.io/version"
_RESTRICTION = "--restrictedNamespace="


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One Dynamo operator of a cluster."""

    namespace: str
    version: str
    """X.Y.Z; empty if the Deployment has no version label."""
    restricted_to: str
    """The only namespace whose graphs the operator handles; empty for a cluster-wide operator."""


def operators_in(deployments: Mapping[str, Any]) -> list[Operator]:
    """The operators in the Kubernetes API's DeploymentList. Raises KeyError or TypeError for another object."""
    return [_operator(deployment) for deployment in deployments["items"]]


def _operator(deployment: Mapping[str, Any]) -> Operator:
    metadata = deployment["metadata"]
    labels: Mapping[str, Any] = metadata.get("labels") or {}
    containers = deployment["spec"]["template"]["spec"]["containers"]
    arguments = [str(argument) for container in containers for argument in container.get("args") or ()]
    return Operator(
        namespace=metadata["namespace"],
        version=str(labels.get(_VERSION, "")),
        restricted_to=next((a.removeprefix(_RESTRICTION) for a in arguments if a.startswith(_RESTRICTION)), ""),
    )


@dataclass(frozen=True, kw_only=True)
class OperatorFits(PreflightCheck):
    """Check of the cluster's operators. The answer comes from the Kubernetes API, through the DNS endpoint."""

    api = "container"
    role = "container.viewer"

    cluster: str
    context: str
    namespace: str
    """Namespace of the stack's graphs."""
    ours: str
    """The namespace of an operator that this stack installs."""
    installs: bool
    runtime: str

    @property
    def condition(self) -> str:
        wanted = "no other Dynamo operator" if self.installs else "a Dynamo operator for the stack's graphs"
        return f"cluster {self.cluster} has {wanted}"

    @property
    def look(self) -> str:
        return f"kubectl --context {self.context} get deployments --all-namespaces --selector {SELECTOR}"

    def judge(self, operators: Sequence[Operator]) -> CheckResult:
        errors = list(self._conflicting(operators) if self.installs else self._unsuitable(operators))
        if errors:
            return failed("; ".join(f"cluster.existing.platform: {error}" for error in errors))
        if not self.installs and not any(operator.version for operator in operators):
            sentence = f"cluster.existing.platform: the operator of {self.cluster} has no version label to check"
            return CheckResult(verdict=Verdict.PASSED, sentence=sentence)
        return PASSED

    def _conflicting(self, operators: Sequence[Operator]) -> Iterator[str]:
        for operator in operators:
            if operator.namespace == self.ours:
                continue
            yield (
                f"install, but {self.cluster} already has a Dynamo operator, in namespace {operator.namespace}, and a "
                "cluster can have one; use it with cluster.existing.platform: shared"
                + _fix_for_old_namespaces(operator.namespace)
            )

    def _unsuitable(self, operators: Sequence[Operator]) -> Iterator[str]:
        usable = [operator for operator in operators if operator.restricted_to in ("", self.namespace)]
        if not operators:
            yield f"shared, but {self.cluster} has no Dynamo operator; install one, or set platform: install"
        elif not usable:
            only = ", ".join(operator.restricted_to for operator in operators)
            yield f"shared, but the Dynamo operator of {self.cluster} handles graphs in namespace {only} only"
        for operator in usable:
            if operator.namespace == self.ours:
                yield (
                    f"shared, but this stack installed the operator in {operator.namespace} and would delete it for "
                    "all stacks of the cluster; keep cluster.existing.platform: install"
                )
            elif operator.version and (why := _cannot_run(operator.version, self.runtime)):
                yield f"shared, but in namespace {operator.namespace} of {self.cluster}, {why}"


def _fix_for_old_namespaces(namespace: str) -> str:
    """The fix for a stack that was deployed before its namespaces were named after it."""
    kept = namespace.removesuffix("-system")
    own = f". If this stack installed it, keep its names with cluster.existing.namespace: {kept}"
    return own if kept != namespace else ""


def _cannot_run(version: str, runtime: str) -> str | None:
    try:
        oldest, newest = versions.runtimes(version.removeprefix("v"))
    except ValueError:
        return None  # a custom build, which the rule does not cover
    if oldest <= versions.minor(runtime) <= newest:
        return None
    runs = " to ".join(f"{major}.{number}" for major, number in (oldest, newest))
    return f"operator {version} supports runtimes {runs}, but versions.runtime is {runtime}"
