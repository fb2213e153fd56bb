"""An object of the cluster from its manifest, as it is on the wire: no key is translated, none can be dropped."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s


def custom_object(
    name: str, manifest: dict[str, Any], opts: pulumi.ResourceOptions
) -> k8s.apiextensions.CustomResource:
    return k8s.apiextensions.CustomResource(
        name,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=manifest["metadata"],
        spec=manifest["spec"],
        opts=opts,
    )
