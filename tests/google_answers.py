"""Answers of Google Cloud to the preflight's questions, as Pulumi's provider passes them on."""

from typing import Any

import grpc

MACHINE_TYPES = "gcp:compute/getMachineTypes:getMachineTypes"
VERSIONS = "gcp:container/getEngineVersions:getEngineVersions"
CLUSTER = "gcp:container/getCluster:getCluster"
RESERVATION = "gcp:compute/getReservation:getReservation"
BLOCK = "gcp:compute/getReservationBlock:getReservationBlock"
SUB_BLOCK = "gcp:compute/getReservationSubBlock:getReservationSubBlock"
QUOTA = "gcp:cloudquota/getSQuotaInfo:getSQuotaInfo"
PROJECT = "gcp:organizations/getProject:getProject"
ACCOUNT = "gcp:organizations/getBillingAccount:getBillingAccount"
BUCKET = "gcp:storage/getBucket:getBucket"
KMS_KEY = "gcp:kms/getKMSCryptoKey:getKMSCryptoKey"
CLIENT = "gcp:organizations/getClientConfig:getClientConfig"


class CloudError(grpc.RpcError):
    """How the engine returns the error of a data source."""

    def __init__(self, message: str) -> None:
        self.message = message

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return self.message


NOT_FOUND = CloudError("googleapi: Error 404: The resource was not found, notFound")
API_OFF = CloudError("googleapi: Error 403: API has not been used in project 1 before., accessNotConfigured")
DENIED = CloudError("googleapi: Error 403: Required permission is missing, forbidden")
# Terraform's provider for Google, which Pulumi's wraps.
LOGGED_OUT = CloudError(
    "Attempted to load application default credentials since neither `credentials` nor `access_token` was set in the "
    "provider block.  No credentials loaded. To use your gcloud credentials, run 'gcloud auth application-default "
    "login'.  Original error: google: could not find default credentials."
)

Answer = dict[str, Any] | CloudError


def holds(count: int, in_use: int, *, status: str = "READY", machine: str = "a3-ultragpu-8g") -> dict[str, Any]:
    """A reservation."""
    properties = [{"machineType": machine}]
    return {
        "status": status,
        "specificReservations": [{"count": count, "inUseCount": in_use, "instanceProperties": properties}],
    }


def limits(value: str, *regions: str, **dimensions: str) -> dict[str, Any]:
    """The limit of a quota; empty for none."""
    details = [{"value": value}] if value else []
    return {"dimensionsInfos": [{"details": details, "applicableLocations": regions, "dimensions": dimensions}]}
