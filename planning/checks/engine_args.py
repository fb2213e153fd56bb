"""`engine.extraArgs` and `engine.allowCode` of a deployment."""

from collections.abc import Iterator

from catalog import sizing
from catalog.flags import speculation
from catalog.flags.given import Workers
from planning import extra_args
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Fault


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Fault]:
    engine = deployment.settings.engine
    workers = Workers(
        module="dynamo.mocker" if deployment.simulated else "dynamo.vllm",
        card=deployment.card,
        tensor_parallel=tuple(role.tensor_parallel for role in deployment.roles.values()),
        disaggregated=deployment.disaggregated,
        max_model_len=deployment.max_model_len,
        kv_cache_dtype=engine.kv_cache_dtype,
        block_size=sizing.BLOCK_SIZE,
        reads_bucket=deployment.reads_bucket,
    )
    given, allowed = engine.extra_args, engine.allow_code
    yield from extra_args.faults(deployment.at("engine.extraArgs"), workers, given, allowed)
    yield from extra_args.code_faults(deployment.at("engine.allowCode"), workers.module, given, allowed)


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    words = extra_args.words(deployment.settings.engine.extra_args)
    if not deployment.simulated and (draft := speculation.draft(words)):
        yield (f"{deployment.at('engine.extraArgs')}: the plan does not count the memory of the draft model {draft}")
