"""Checks that names of deployments do not collide, in the cluster or for clients."""

from collections.abc import Iterator, Mapping
from typing import Any

from planning.resolve import ResolvedStack
from reading.errors import Error, Fix, join


def name_collisions(models: Mapping[str, Any]) -> Iterator[Error]:
    """Errors of colliding deployment names. `models` is the stack's block, valid or not.

    A frontend finds its workers by the prefix `<namespace>-<graph>` of their Dynamo namespace (the operator sets
    DYN_NAMESPACE_PREFIX, so that old and new generations are both found). The frontend of `chat` would therefore
    also send requests to the workers of `chat-v2`.
    """
    lower = sorted((name.lower(), name) for name in models)
    for i, (key, name) in enumerate(lower):
        for other_key, other in lower[i + 1 :]:
            if key == other_key:
                yield Error(
                    join("models", other),
                    f"is the same name as {name} in Kubernetes, which has no capitals; rename one of them",
                )
            elif other_key.startswith(key):
                rest = other_key.removeprefix(key).strip("-")
                yield Error(
                    join("models", other),
                    f"begins with the name of another graph, {name}, whose frontend finds workers by that prefix "
                    "and would also route to these",
                    tuple(
                        Fix(
                            f"rename it, such as {new}",
                            {join("models", other): None, join("models", new): models[other]},
                            last_resort=index > 0,
                        )
                        for index, new in enumerate((f"{rest}-{key}", f"next-{key}", f"other-{key}", "other"))
                    ),
                )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    """Warnings of deployments with the same served name. Each has its own frontend, so this is no error."""
    for name in sorted({deployment.served_name for deployment in stack.deployments}):
        sharing = [deployment.name for deployment in stack.deployments if deployment.served_name == name]
        if len(sharing) > 1:
            yield (
                f"models: {' and '.join(sharing)} have the same served name, {name}: clients distinguish them by "
                "endpoint only. Set servedName of one of them, unless this is intended"
            )
