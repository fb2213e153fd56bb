"""Model weights: a Job downloads one copy into the bucket, and workers and frontends mount the bucket read-only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_gcp import storage

from catalog import versions
from catalog.models import Card
from catalog.weights import MOUNT, scratch_bytes
from manifests.graph import frontend_image
from manifests.labels import GCS_FUSE, NODE_POOL
from manifests.pod_security import IMAGE_USER
from planning import names
from planning.weights import WeightsDelivery
from workloads.custom_object import REPLACE_UNREADY, child_object

JOBS = Path(__file__).parent / "jobs"
PROGRAM = "jobs.fetch_weights"
# The program's modules, and the modules that it shares with the verification.
_SHARED = ("__init__.py", "clock.py", "connecting.py", "untrusted.py")
MODULES = ("__init__.py", "fetch_weights/*.py", *(f"verify/{name}" for name in _SHARED))
SCRIPT_FOLDER = "/script"
CONFIG_MAP = "fetch-weights"
FUSE = "gcsfuse.csi.storage.gke.io"
USER = IMAGE_USER

# Without streaming, the driver would keep a second copy of every file on the node until the file is closed.
WRITE_OPTIONS = (f"uid={USER}", f"gid={USER}", "write:enable-streaming-writes:true")


@dataclass(frozen=True, kw_only=True)
class WeightsArgs:
    namespace: str
    project: str
    project_number: pulumi.Output[str]
    bucket: str
    cards: Sequence[Card]
    """The pinned models; each revision occurs once."""
    graphs: Sequence[str]
    """The graphs whose pods read the bucket."""
    token_secret: str
    """The Secret with the token for gated models."""
    system_pool: str | None
    """The Jobs' node pool; None allows any node."""
    delivery: WeightsDelivery
    labels: dict[str, str]


def modules() -> dict[str, str]:
    """The download program: path below the script folder → text."""
    found = sorted(path for pattern in MODULES for path in JOBS.glob(pattern))
    return {path.relative_to(JOBS.parent).as_posix(): path.read_text(encoding="utf-8") for path in found}


def config_map_data(cards: Sequence[Card]) -> dict[str, str]:
    """The program, and the file list of each card that has one. Keys have no slashes; `_items` maps them to paths."""
    lists = {
        _list_name(card): json.dumps({path: file.to_wire() for path, file in card.files.items()}, indent=1)
        for card in cards
        if card.files
    }
    return {_key(path): text for path, text in modules().items()} | lists


def _key(path: str) -> str:
    return path.replace("/", ".")


def _items(card: Card) -> list[dict[str, str]]:
    """The ConfigMap keys that a card's Job mounts, with their paths in the script folder."""
    return [{"key": _key(path), "path": path} for path in (*modules(), *([_list_name(card)] if card.files else []))]


def _list_name(card: Card) -> str:
    return f"{card.name}.json"


def fetch_job(
    card: Card,
    limits: WeightsDelivery,
    *,
    namespace: str,
    bucket: str,
    token_secret: str,
    system_pool: str | None,
    labels: dict[str, str],
) -> dict[str, Any]:
    """The Job that fetches one revision into the bucket. It has no TTL, because the Job is the record of the fetch.

    Each retry is a new pod, and failed pods remain with the reason in status and log; with in-place restarts Kubernetes
    would delete the pod of a failed Job. A retry does not fetch files again that are already in the bucket.
    """
    assert card.revision is not None  # only pinned cards are fetched
    scratch = scratch_bytes(card)
    listed = ["--files", f"{SCRIPT_FOLDER}/{_list_name(card)}"] if card.files else []
    container: dict[str, Any] = {
        "name": "fetch",
        # The image has Python and certificates, and the system pool pulls it anyway. The version is the catalog's, not
        # the stack's: otherwise each runtime upgrade would recreate a finished Job.
        "image": frontend_image(versions.dynamo().runtime),
        "command": ["python3", "-m", PROGRAM],
        "workingDir": SCRIPT_FOLDER,
        "args": [
            *("--repository", card.repository, "--revision", card.revision, "--target", MOUNT),
            *("--scratch", "/scratch", "--scratch-bytes", str(scratch), "--timeout", str(limits.script_seconds)),
            *listed,
        ],
        "resources": {
            "requests": {"cpu": limits.cpu, "memory": limits.memory, "ephemeral-storage": str(scratch)},
            "limits": {"memory": limits.max_memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",  # the script's last sentence is in the pod's status
        "volumeMounts": [
            {"name": "script", "mountPath": SCRIPT_FOLDER, "readOnly": True},
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "weights", "mountPath": MOUNT},
        ],
    }
    if card.gated:
        container["envFrom"] = [{"secretRef": {"name": token_secret}}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.weights_job(card.repository, card.revision),
            "namespace": namespace,
            "labels": labels,
            "annotations": {"pulumi.com/timeoutSeconds": str(limits.wait_seconds)} | REPLACE_UNREADY,
        },
        "spec": {
            "backoffLimit": limits.retries,
            "activeDeadlineSeconds": limits.job_seconds,
            "template": {
                "metadata": {"annotations": GCS_FUSE},
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": names.WEIGHTS_WRITER,
                    **({"nodeSelector": {NODE_POOL: system_pool}} if system_pool else {}),
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": USER,
                        "runAsGroup": USER,
                        "fsGroup": USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                    "volumes": [
                        {"name": "script", "configMap": {"name": CONFIG_MAP, "items": _items(card)}},
                        {"name": "scratch", "emptyDir": {"sizeLimit": str(scratch + limits.spare_bytes)}},
                        {
                            "name": "weights",
                            "csi": {
                                "driver": FUSE,
                                "volumeAttributes": {
                                    "bucketName": bucket,
                                    "mountOptions": ",".join(WRITE_OPTIONS),
                                    # The check would need a permission on the bucket itself, not only on its objects.
                                    "skipCSIBucketAccessCheck": "true",
                                },
                            },
                        },
                    ],
                },
            },
        },
    }


# GCS FUSE ignores the size, but Kubernetes requires one, equal in claim and volume.
_NOMINAL = {"storage": "5Ti"}


def read_volume(namespace: str, bucket: str, options: Sequence[str], labels: dict[str, str]) -> dict[str, Any]:
    """The bucket as a read-only volume, reserved for one claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": names.cluster_scoped(namespace, names.WEIGHTS_CLAIM), "labels": labels},
        "spec": {
            "storageClassName": "",
            "capacity": _NOMINAL,
            "accessModes": ["ReadOnlyMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"name": names.WEIGHTS_CLAIM, "namespace": namespace},
            "mountOptions": list(options),
            "csi": {
                "driver": FUSE,
                "volumeHandle": bucket,
                "readOnly": True,
                "volumeAttributes": {"skipCSIBucketAccessCheck": "true", "gcsfuseMetadataPrefetchOnMount": "true"},
            },
        },
    }


def read_claim(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """The claim that the pods of a graph mount."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": names.WEIGHTS_CLAIM, "namespace": namespace, "labels": labels},
        "spec": {
            "storageClassName": "",
            "volumeName": names.cluster_scoped(namespace, names.WEIGHTS_CLAIM),
            "accessModes": ["ReadOnlyMany"],
            "resources": {"requests": _NOMINAL},
        },
    }


class Weights(pulumi.ComponentResource):
    """Download Jobs, volume and claim. Pulumi waits for the Jobs, so dependents find the weights in the bucket.

    Prevents GPU pods that hold paid nodes while each downloads the same hundreds of gigabytes.
    """

    def __init__(self, name: str, args: WeightsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:Weights", name, None, opts)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-writer",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=names.WEIGHTS_WRITER, namespace=args.namespace, labels=args.labels
            ),
            automount_service_account_token=False,  # its pods call Google's APIs, never the Kubernetes API
            opts=pulumi.ResourceOptions(parent=self),
        )
        may_write = self._grant(f"{name}-may-write", args, "storage.objectUser", names.WEIGHTS_WRITER)
        for graph in args.graphs:
            self._grant(f"{name}-{graph}-may-read", args, "storage.objectViewer", names.runtime_account(graph))
        script = k8s.core.v1.ConfigMap(
            f"{name}-script",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=CONFIG_MAP, namespace=args.namespace, labels=args.labels),
            data=config_map_data(args.cards),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for card in args.cards:
            job = fetch_job(
                card,
                args.delivery,
                namespace=args.namespace,
                bucket=args.bucket,
                token_secret=args.token_secret,
                system_pool=args.system_pool,
                labels=args.labels,
            )
            child_object(self, f"{name}-{card.name}", job, account, may_write, script)
        bucket = read_volume(args.namespace, args.bucket, args.delivery.read_options, args.labels)
        volume = child_object(self, f"{name}-volume", bucket)
        child_object(self, f"{name}-claim", read_claim(args.namespace, args.labels), volume)
        self.register_outputs({})

    def _grant(self, name: str, args: WeightsArgs, role: str, account: str) -> storage.BucketIAMMember:
        """A role on the bucket for a Kubernetes service account, without a Google service account."""
        return storage.BucketIAMMember(
            name,
            bucket=args.bucket,
            role=f"roles/{role}",
            member=args.project_number.apply(
                lambda number: names.principal(args.project, number, args.namespace, account)
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
