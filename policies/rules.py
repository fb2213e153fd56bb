"""Every rule of the pack."""

from pulumi_policy import Policy

from policies import access, capacity, cluster, exposure, known_kinds, namespaces, pod_safety, whole_stack
from policies.judging import fails_closed

RULES: list[Policy] = [
    fails_closed(rule)
    for rule in (
        *known_kinds.RULES,
        *cluster.RULES,
        *access.RULES,
        *capacity.RULES,
        *pod_safety.RULES,
        *namespaces.RULES,
        *exposure.RULES,
        *whole_stack.RULES,
    )
]
