"""The whole environment of one stack: its config → plan → components → outputs."""

from reading.garbage import kept

with kept():
    import pulumi
    from pulumi.runtime import config as runtime_config

    from dynamo_gke import ConfigInvalid, Plan, plan_of
    from dynamo_gke.program import create
    from settings.stack_config import StackConfig


def stack_config() -> StackConfig:
    """The stack's config, of secrets the keys only: a plain read would put one into the program. Empty is not given."""
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    secret = {key for key in everything if runtime_config.is_config_secret(key)}
    plain = {key: value for key, value in everything.items() if key not in secret}
    given = frozenset(key for key in secret if everything[key])
    return StackConfig(stack=pulumi.get_stack(), values=plain, secrets=given)


def hf_token(planned: Plan) -> pulumi.Output[str] | None:
    """The stack's token for gated models; None if it is missing or empty."""
    return None if planned.missing_token else pulumi.Config("dynamo-gke").get_secret("hfToken")


def main() -> None:
    try:
        planned = plan_of(stack_config())
    except ConfigInvalid as invalid:  # printed by Pulumi as it is, without a traceback
        raise pulumi.RunError(f"the configuration is invalid\n{invalid}") from None
    for name, value in create(planned, hf_token=hf_token(planned)).outputs.items():
        pulumi.export(name, value)


if __name__ == "__main__":
    main()
