"""Every rule of the pack."""

from pulumi_policy import Policy

from policies import capacity, cluster, exposure, pod_safety, whole_stack

RULES: list[Policy] = [
    *cluster.RULES,
    *capacity.RULES,
    *pod_safety.RULES,
    *exposure.RULES,
    *whole_stack.RULES,
]
