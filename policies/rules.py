"""Every rule of the pack."""

from pulumi_policy import Policy

from policies import (
    access,
    capacity,
    cluster,
    fences,
    frontends,
    grants,
    known_charts,
    known_inputs,
    known_kinds,
    namespaces,
    pod_safety,
    public_gateway,
    services,
    verification,
    whole_stack,
    workers,
)
from policies.judging import fails_closed

RULES: list[Policy] = [
    fails_closed(rule)
    for rule in (
        *known_kinds.RULES,
        *known_inputs.RULES,
        *known_charts.RULES,
        *cluster.RULES,
        *grants.RULES,
        *access.RULES,
        *capacity.RULES,
        *pod_safety.RULES,
        *workers.RULES,
        *namespaces.RULES,
        *services.RULES,
        *frontends.RULES,
        *public_gateway.RULES,
        *fences.RULES,
        *verification.RULES,
        *whole_stack.RULES,
    )
]
