"""Creates an object of the cluster from its manifest as sent, so that no key is renamed or dropped."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from manifests import manifest_schema

REPLACE_UNREADY = {"pulumi.com/replaceUnready": "true"}
"""Annotation of every Job that Pulumi waits for. The next `pulumi up` deletes an incomplete Job and starts it again;
without the annotation, every update waits for the failed Job until the timeout. The provider checks the live Job and
replaces it for any reason (read in its source, 4.32): failed, deadline exceeded, or still running."""


def custom_object(name: str, manifest: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Creates the object. Raises RunError for a field unknown to its kind, which the API server would prune."""
    errors = list(manifest_schema.errors(manifest, unknown=pulumi.Output))
    if errors:
        lines = "\n".join(f"  {error}" for error in errors)
        raise pulumi.RunError(
            f"{manifest['kind']} {manifest['metadata']['name']} does not match its CRD. No setting can cause this: "
            f"please report it with your stack file\n{lines}"
        )
    if "/" not in manifest["apiVersion"]:
        # The provider reads the group from the resource's type, and refuses one without: `CustomResource` gives such a
        # type to objects of the core group.
        kind = f"kubernetes:core/{manifest['apiVersion']}:{manifest['kind']}"
        return pulumi.CustomResource(kind, name, manifest, opts)
    return k8s.apiextensions.CustomResource(
        name,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=manifest["metadata"],
        spec=manifest["spec"],
        opts=opts,
    )


def child_object(
    parent: pulumi.Resource, name: str, manifest: dict[str, Any], *after: pulumi.Resource
) -> pulumi.CustomResource:
    """Creates the object in a component, once the resources in `after` exist."""
    return custom_object(name, manifest, pulumi.ResourceOptions(parent=parent, depends_on=list(after)))
