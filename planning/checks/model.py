"""The model card of a deployment."""

from collections.abc import Iterator

from planning.deployments import Deployment
from planning.resolve import ResolvedStack


def deployment_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    card = deployment.card
    if card.revision is None:
        yield (
            f"{deployment.at('model')}: {card.name} has no pinned revision ({card.revision_source}), so every pod "
            f"fetches what the hub has by then; pin it with `./dynamo-gke models pin {card.name}`"
        )
