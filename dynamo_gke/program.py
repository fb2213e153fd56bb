"""Plan → everything that an environment consists of, in the order in which one part waits for another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp
from pulumi.runtime.settings import get_monitor

from infra import environment, gpu_nodes
from infra.scope import Scope
from planning.summary import summary
from planning.types import Plan
from workloads import cluster_setup, serving


@dataclass(frozen=True, kw_only=True)
class Created:
    """What an environment offers to the program that created it."""

    endpoints: dict[str, pulumi.Output[str]]
    """Deployment → URL, which is known only once the deployment is verified."""
    dns_records: pulumi.Output[list[dict[str, str]]] | None
    """The DNS records to create for a public gateway; None without one."""
    cluster_name: pulumi.Input[str] | None
    """None for an existing cluster that is known by its kubeconfig context only."""
    kubeconfig_command: str
    graphs: Mapping[str, Any]
    """Deployment → model, layout, engine and roles."""
    costs: Mapping[str, Any]
    weights_bucket: pulumi.Output[str]

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack outputs by name, to export."""
        return {
            "endpoints": self.endpoints,
            **({} if self.dns_records is None else {"dnsRecords": self.dns_records}),
            "clusterName": self.cluster_name,
            "kubeconfigCommand": self.kubeconfig_command,
            "graphs": self.graphs,
            **self.costs,
            "weightsBucket": self.weights_bucket,
        }


def create(
    plan: Plan,
    *,
    hf_token: pulumi.Output[str] | None = None,
    prefix: str = "",
    parent: pulumi.Resource | None = None,
    google: gcp.Provider | None = None,
) -> Created:
    """Registers the resources of a plan. Call it inside a Pulumi program.

    `hf_token` is the secret token for gated models. `prefix` precedes every logical name; two environments of one
    Pulumi stack need different ones. `parent` is the parent of every component. `google` is a provider of one's own,
    with `default_labels=plan.labels`.

    Raises pulumi.RunError outside of a Pulumi program, with every failed check of the preflight, and if an update lacks
    a token that it needs. Raises TypeError for an argument of another type.
    """
    _check_types(plan, hf_token, prefix, parent, google)
    if get_monitor() is None:
        raise pulumi.RunError(
            "create registers resources, so call it inside a Pulumi program: one that `pulumi up` runs, or the "
            "function that you give to the Automation API. `plan` needs neither"
        )
    for warning in plan.warnings:
        pulumi.log.warn(warning)
    token = _token(plan, hf_token)
    built = environment.build(plan, Scope(prefix=prefix, parent=parent), google)
    setup = cluster_setup.build(plan, built, token)
    # Last, so that nobody pays for GPUs that wait for the operator or for weights.
    nodes = gpu_nodes.build(plan, built, first=setup.before_gpu_nodes)
    served = serving.build(plan, built, setup, nodes)
    return Created(
        endpoints=served.endpoints,
        dns_records=served.dns_records,
        cluster_name=built.cluster.name,
        kubeconfig_command=plan.cluster.login,
        graphs=summary(plan)["graphs"],
        costs=plan.cost_outputs,
        weights_bucket=built.weights.bucket_name,
    )


def _check_types(plan: object, hf_token: object, prefix: object, parent: object, google: object) -> None:
    """Raises TypeError for a wrong argument, which would fail only after the first resources are registered."""
    for name, value, kind, wanted in (
        ("plan", plan, Plan, "a plan: create(plan(name, config))"),
        ("hf_token", hf_token, pulumi.Output | None, 'a secret Output, such as Config().get_secret("hfToken")'),  # type: ignore[type-arg]
        ("prefix", prefix, str, "text"),
        ("parent", parent, pulumi.Resource | None, "a resource of Pulumi, such as your component"),
        ("google", google, gcp.Provider | None, "a pulumi_gcp.Provider"),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"create: {name} must be {wanted}; got {type(value).__name__}")


def _token(plan: Plan, given: pulumi.Output[str] | None) -> pulumi.Output[str] | None:
    """The token for gated models. Where it is missing, a preview still shows all, and an update raises RunError."""
    missing = plan.missing_token or _not_given(plan)
    if given is not None or not missing:
        return given
    if not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(missing)
    return pulumi.Output.secret("")


def _not_given(plan: Plan) -> str | None:
    """Why an update needs a token; None if the stack needs none."""
    gated = next((graph.card for graph in plan.graphs if graph.card.gated), None)
    if gated is None or (plan.token_secret and plan.token_secret.exists):
        return None
    return (
        f"{gated.repository} is gated: give the token of an approved account to `create(hf_token=…)`, or name a secret "
        "of Secret Manager in secrets.hfToken, with secrets.store secretManager"
    )
