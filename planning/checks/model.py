"""Checks the model cards of the deployments, each alone and in combination."""

from collections.abc import Iterator
from itertools import combinations

from catalog.models import file_of
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from reading.errors import Error


def errors(stack: ResolvedStack) -> Iterator[Error]:
    """Errors of cards that exclude each other, because one Job, named after the card, fetches a model's revision."""
    for one, other in combinations(stack.deployments, 2):
        first, second = file_of(one.settings.model), file_of(other.settings.model)
        if one.card == other.card:
            continue
        if one.card.name == other.card.name:
            yield Error(
                other.at("model"),
                f"{second} and {first} of {one.at('model')} are different cards with the same name, {one.card.name}; "
                "rename one of the files",
            )
        elif _pinned(one) == _pinned(other) and one.card.revision and one.card.files != other.card.files:
            yield Error(
                other.at("model"),
                f"{second} lists other files of {one.card.repository} at {one.card.revision} than {first} of "
                f"{one.at('model')}, and one Job fetches both; make `files` the same in both",
            )


def _pinned(deployment: Deployment) -> tuple[str, str | None]:
    return deployment.card.repository, deployment.card.revision


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    card, name = deployment.card, deployment.settings.model
    if card.revision is None:
        yield (
            f"{deployment.at('model')}: {card.name} has no pinned revision ({card.revision_source}), so every pod "
            f"fetches the hub's current files; pin it with `./dynamo-gke models pin {name}`"
        )
    if card.attention.kind == "linear" and not deployment.simulated:
        yield (
            f"{deployment.at('model')}: {card.name} has layers with a linear state. The plan counts one state for each "
            "sequence, and none for cached prefixes; engines make blocks of the KV cache larger to match a state, so "
            "whether the router finds prefixes is unverified, as is serving such a model here at all"
        )
        sizes = {role.tensor_parallel for role in deployment.roles.values()}
        if deployment.disaggregated and len(sizes) > 1 and max(sizes) > card.attention.kv_heads:
            yield (
                f"{deployment.at('decode.tensorParallel')}: beyond {card.attention.kv_heads} KV heads, prefill and "
                "decode of different sizes get blocks of different sizes, which may stop the transfer (where an "
                "engine asserts that decode's is a multiple of prefill's; read, not run); equal sizes avoid it"
            )
