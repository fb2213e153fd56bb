"""The rule on Pod Security: which access to their node a namespace's pods may request."""

from collections.abc import Iterator, Sequence

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from catalog.machines import GPU_RESOURCE
from manifests import pod_security
from planning.surroundings import UnrestrictedWorkers
from policies import kinds
from policies.inputs import at, items, name_of, namespace_of, needs, of_type, plain
from policies.judging import reporting_unknowns
from policies.pods import containers, pod_specs

_ENFORCE = "pod-security.kubernetes.io/enforce"
_ENFORCE_VERSION = "pod-security.kubernetes.io/enforce-version"


def _pod_security(args: StackValidationArgs, report: ReportViolation) -> None:
    for namespace in of_type(args.resources, kinds.NAMESPACE):
        with reporting_unknowns(report, namespace.urn):
            for violation in _violations(namespace, args):
                report(violation, namespace.urn)


def _violations(namespace: PolicyResource, args: StackValidationArgs) -> Iterator[str]:
    version = at(namespace.props, "metadata", "labels", _ENFORCE_VERSION)
    if version not in (None, "latest"):
        yield f"enforces Pod Security as of {version}, which lacks later controls; remove {_ENFORCE_VERSION}"
    level = at(namespace.props, "metadata", "labels", _ENFORCE)
    if level in ("baseline", "restricted"):
        return
    if level != "privileged":
        yield f"enforces the Pod Security level {level or 'none'}; label it {_ENFORCE}: baseline"
        return
    name = name_of(namespace)
    workers = _workers(name, args)
    if not workers.pinning:
        yield f"enforces privileged, but no graph in it needs more than baseline; label it {_ENFORCE}: baseline"
    elif not (guards := list(_guards(name, workers, args))):
        yield (
            "enforces privileged, but has no bound ValidatingAdmissionPolicy that rejects what the label then "
            "allows; keep the PodRules component as it is"
        )
    elif not any(guard <= needs(namespace) for guard in guards):
        yield (
            "does not depend on its ValidatingAdmissionPolicy and the binding, so pods may start before they apply "
            "and remain after they are deleted"
        )


def _workers(namespace: str, args: StackValidationArgs) -> UnrestrictedWorkers:
    """The graphs of a namespace whose workers the policy must exempt, by what their containers request."""
    on_gpus: list[str] = []
    pinning: list[str] = []
    for graph in of_type(args.resources, kinds.GRAPH):
        if namespace_of(graph) != namespace:
            continue
        name = name_of(graph)
        found = [c for pod in pod_specs(graph.resource_type, graph.props) for c in containers(pod)]
        if any(at(container, "resources", "limits", GPU_RESOURCE) for container in found):
            on_gpus.append(name)
        if any(items(container, "securityContext", "capabilities", "add") for container in found):
            pinning.append(name)
    return UnrestrictedWorkers(on_gpus=on_gpus, pinning=pinning)


def _guards(namespace: str, workers: UnrestrictedWorkers, args: StackValidationArgs) -> Iterator[set[str]]:
    """URNs of each policy equal to the program's, with its binding.

    The rule compares both with the program's own, because it cannot tell whether another policy rejects as much.
    """
    wanted = pod_security.policy(namespace, workers, {})["spec"]
    bound = pod_security.binding(namespace, {})["spec"]
    for policy in _same(of_type(args.resources, kinds.ADMISSION_POLICY), wanted):
        in_force = bound | {"policyName": name_of(policy)}
        for binding in _same(of_type(args.resources, kinds.ADMISSION_BINDING), in_force):
            yield {policy.urn, binding.urn}


def _same(resources: Sequence[PolicyResource], spec: dict[str, object]) -> list[PolicyResource]:
    return [resource for resource in resources if plain(at(resource.props, "spec")) == spec]


RULES: list[Policy] = [
    StackValidationPolicy(
        name="pod-security",
        description="Namespaces enforce at least baseline; with RDMA, by an admission policy instead of the label.",
        validate=_pod_security,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Label the namespace pod-security.kubernetes.io/enforce: baseline.",
    ),
]
