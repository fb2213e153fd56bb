"""The whole environment of one stack: settings → plan → components → outputs."""

from infra.garbage import kept

with kept():
    import pulumi
    from pulumi.runtime import config as runtime_config

    from infra import environment, gpu_nodes
    from planning.load import load
    from planning.plan import plan
    from planning.summary import summary
    from planning.types import Plan
    from reading.errors import ConfigInvalid
    from settings.stack_config import StackConfig
    from workloads import cluster_setup, serving


def stack_config() -> StackConfig:
    """The stack's config, of secrets the keys only: a plain read would put one into the program. Empty is not given."""
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    secret = {key for key in everything if runtime_config.is_config_secret(key)}
    plain = {key: value for key, value in everything.items() if key not in secret}
    given = frozenset(key for key in secret if everything[key])
    return StackConfig(stack=pulumi.get_stack(), values=plain, secrets=given)


def hf_token(planned: Plan) -> pulumi.Output[str] | None:
    """The token for gated models. Where it is missing, a preview still shows all, and `pulumi up` raises RunError."""
    if not planned.missing_token:
        return pulumi.Config("dynamo-gke").get_secret("hfToken")
    if not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(planned.missing_token)
    return pulumi.Output.secret("")


def main() -> None:
    try:
        planned = plan(load(stack_config()))
    except ConfigInvalid as invalid:  # printed by Pulumi as it is, without a traceback
        raise pulumi.RunError(f"the configuration is invalid\n{invalid}") from None
    for warning in planned.warnings:
        pulumi.log.warn(warning)
    token = hf_token(planned)
    built = environment.build(planned)
    setup = cluster_setup.build(planned, built, token)
    # Last, so that nobody pays for GPUs that wait for the operator or for weights.
    nodes = gpu_nodes.build(planned, built, first=setup.before_gpu_nodes)
    served = serving.build(planned, built, setup, nodes)
    pulumi.export("endpoints", served.endpoints)
    if served.dns_records is not None:
        pulumi.export("dnsRecords", served.dns_records)
    pulumi.export("clusterName", built.cluster.name)
    pulumi.export("kubeconfigCommand", planned.cluster.login)
    pulumi.export("graphs", summary(planned)["graphs"])
    for key, value in planned.cost_outputs.items():
        pulumi.export(key, value)
    pulumi.export("weightsBucket", built.weights.bucket_name)


if __name__ == "__main__":
    main()
