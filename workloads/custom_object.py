"""An object of the cluster from its manifest, as it is on the wire: no key is translated, none can be dropped."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from manifests import manifest_schema

REPLACE_UNREADY = {"pulumi.com/replaceUnready": "true"}
"""Annotation of every Job that Pulumi waits for. The next `pulumi up` deletes a Job that is not complete and starts it
again; without the annotation it waits for the failed one until its timeout, every time. The provider looks at the live
Job and replaces it whatever the reason (read in its source, 4.32): failed, deadline exceeded, or still running."""


def custom_object(
    name: str, manifest: dict[str, Any], opts: pulumi.ResourceOptions
) -> k8s.apiextensions.CustomResource:
    """Raises RunError for a field that the kind does not have: the API server would prune it and answer 200."""
    errors = list(manifest_schema.errors(manifest, unknown=pulumi.Output))
    if errors:
        lines = "\n".join(f"  {error}" for error in errors)
        raise pulumi.RunError(
            f"{manifest['kind']} {manifest['metadata']['name']} is not what its CRD takes. No setting can cause this: "
            f"please report it with your stack file\n{lines}"
        )
    return k8s.apiextensions.CustomResource(
        name,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=manifest["metadata"],
        spec=manifest["spec"],
        opts=opts,
    )
