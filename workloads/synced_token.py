"""The token for gated models from Secret Manager: GKE copies it into a Secret and keeps the copy up to date."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_gcp import secretmanager

from planning import names
from planning.surroundings import TokenSecret
from workloads.custom_object import child_object


@dataclass(frozen=True, kw_only=True)
class SyncedTokenArgs:
    namespace: str
    project: str
    project_number: pulumi.Output[str]
    secret: TokenSecret
    hf_token: pulumi.Output[str] | None
    """A secret output with the token to store; ignored if the secret already exists."""
    labels: dict[str, str]


def provider_class(project: str, namespace: str, secret: str, labels: dict[str, str]) -> dict[str, Any]:
    """The SecretProviderClass that selects the newest version of the secret."""
    return {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": {"name": names.HF_TOKEN_SECRET, "namespace": namespace, "labels": labels},
        "spec": {
            "provider": "gke",
            "parameters": {
                # A list as YAML in a string.
                "secrets": f'- resourceName: "projects/{project}/secrets/{secret}/versions/latest"\n'
                f'  path: "{names.HF_TOKEN_KEY}"\n'
            },
        },
    }


def secret_sync(namespace: str, wait_seconds: int, labels: dict[str, str]) -> dict[str, Any]:
    """The SecretSync, whose copy has its name. Pulumi waits for the first copy, because no pod starts without it.

    Unverified: that GKE's controller sets the time of its last success as the schema says.
    """
    return {
        "apiVersion": "secret-sync.gke.io/v1",
        "kind": "SecretSync",
        "metadata": {
            "name": names.SYNCED_HF_TOKEN_SECRET,
            "namespace": namespace,
            "labels": labels,
            "annotations": {
                "pulumi.com/waitFor": "jsonpath={.status.lastSuccessfulSyncTime}",
                "pulumi.com/timeoutSeconds": str(wait_seconds),
            },
        },
        "spec": {
            "serviceAccountName": names.SECRET_SYNC,
            "secretProviderClassName": names.HF_TOKEN_SECRET,
            "secretObject": {
                "type": "Opaque",
                "data": [{"sourcePath": names.HF_TOKEN_KEY, "targetKey": names.HF_TOKEN_KEY}],
            },
        },
    }


class SyncedToken(pulumi.ComponentResource):
    """The synced Secret with its source and its reader account. Dependents must depend on the whole component.

    The Secret's name differs from that of WorkloadNamespace's Secret: with the same name, a stack that switches to
    Secret Manager would delete the new one with the old one. The reader account may read only this secret.
    """

    def __init__(self, name: str, args: SyncedTokenArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:SyncedToken", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        filled: list[pulumi.Resource] = []
        if not args.secret.exists:
            secret = secretmanager.Secret(
                f"{name}-secret",
                project=args.project,
                secret_id=args.secret.name,
                replication=secretmanager.SecretReplicationArgs(auto=secretmanager.SecretReplicationAutoArgs()),
                labels=args.labels,
                opts=child,
            )
            filled.append(
                secretmanager.SecretVersion(
                    f"{name}-version",
                    project=args.project,
                    secret=secret.id,
                    secret_data=args.hf_token,
                    opts=child,
                )
            )
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=names.SECRET_SYNC, namespace=args.namespace, labels=args.labels),
            automount_service_account_token=False,  # no pod runs as it; GKE asks for its tokens
            opts=child,
        )
        may_read = secretmanager.SecretIamMember(
            f"{name}-may-read",
            project=args.project,
            secret_id=args.secret.name,
            role="roles/secretmanager.secretAccessor",
            member=args.project_number.apply(
                lambda number: names.principal(args.project, number, args.namespace, names.SECRET_SYNC)
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=filled),
        )
        secret = provider_class(args.project, args.namespace, args.secret.name, args.labels)
        source = child_object(self, f"{name}-source", secret)
        child_object(
            self,
            f"{name}-sync",
            secret_sync(args.namespace, args.secret.first_sync_seconds, args.labels),
            source,
            account,
            may_read,
            *filled,
        )
        self.register_outputs({})
