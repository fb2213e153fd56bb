"""Inputs that pulumi-kubernetes writes before the engine runs the policies, as soon as it reaches the cluster.

`./dynamo-gke preview` and the first preview of a stack lack them: that cluster does not exist yet.
"""

from collections.abc import Mapping
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from policies import kinds

# Computed from the chart, whatever was set (pulumi-kubernetes, helm_release.go, setComputedInputs).
_COMPUTED = frozenset({"checksum", "resourceNames"})
# The provider writes `stringData` here, encoded, as the API server does.
_ENCODED = "data"


def filled_in(resource_type: str, props: Mapping[str, Any]) -> frozenset[str]:
    """The inputs of a resource that nobody need have set.

    Of a Release, the provider writes each input: those that nobody has set with the value that means so, `false` or an
    empty text.
    """
    if resource_type == kinds.RELEASE:
        return frozenset(key for key in props if key in _COMPUTED or _is_unset(props, key))
    return frozenset({_ENCODED}) if resource_type == kinds.SECRET else frozenset()


def _is_unset(props: Mapping[str, Any], key: str) -> bool:
    try:
        return props[key] is False or props[key] == ""
    except UnknownValueError:
        return False
