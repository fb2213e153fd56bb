"""The deploy account may create every resource of a stack; roles outside the project are documented."""

import re

import pytest

from bootstrap.identity import DEPLOY, PREVIEW, Access
from infra.services import APIS
from ops.offline.recorded import Recording
from ops.offline.recording import record
from planning.preflight.check import PreflightCheck
from tests.program.test_security import with_secret_manager
from tests.stacks import ROOT, config, recorded

PAGE = (ROOT / "docs" / "environments.md").read_text()
KEY = "projects/keys/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"

# The role on the project that may create each type of Google Cloud resource.
ROLES = {
    "certificatemanager/certificate:Certificate": "certificatemanager.editor",
    "certificatemanager/dnsAuthorization:DnsAuthorization": "certificatemanager.editor",
    "compute/address:Address": "compute.networkAdmin",
    "compute/firewall:Firewall": "compute.securityAdmin",
    "compute/network:Network": "compute.networkAdmin",
    "compute/regionSecurityPolicy:RegionSecurityPolicy": "compute.securityAdmin",
    "compute/router:Router": "compute.networkAdmin",
    "compute/routerNat:RouterNat": "compute.networkAdmin",
    "compute/subnetwork:Subnetwork": "compute.networkAdmin",
    "container/cluster:Cluster": "container.admin",
    "container/nodePool:NodePool": "container.admin",
    "monitoring/alertPolicy:AlertPolicy": "monitoring.editor",
    "monitoring/dashboard:Dashboard": "monitoring.editor",
    "monitoring/notificationChannel:NotificationChannel": "monitoring.editor",
    "projects/iAMMember:IAMMember": "resourcemanager.projectIamAdmin",
    "projects/service:Service": "serviceusage.serviceUsageAdmin",
    "secretmanager/secret:Secret": "secretmanager.admin",
    "secretmanager/secretIamMember:SecretIamMember": "secretmanager.admin",
    "secretmanager/secretVersion:SecretVersion": "secretmanager.admin",
    "serviceaccount/account:Account": "iam.serviceAccountAdmin",
    "storage/bucket:Bucket": "storage.admin",
    "storage/bucketIAMMember:BucketIAMMember": "storage.admin",
}
# Resources that no role on the project allows: the setting that creates them, and the role that the page names.
OUTSIDE = {
    "billing/budget:Budget": ("budget", "billing.costsManager"),
    "kms/cryptoKeyIAMMember:CryptoKeyIAMMember": ("cluster.secretsKey", "cloudkms.admin"),
}


def gateway() -> Recording:
    endpoint = {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}
    changes = {"endpoint": endpoint, "network": {"rdma": "dranetAuto"}, "alerts": {"emails": ["a@example.com"]}}
    return record(ROOT, config({**changes, "cluster": {"secretsKey": KEY}}))


def created() -> set[str]:
    """Every Google Cloud resource type that a stack creates, without `gcp:`."""
    runs = [recorded("dev"), recorded("staging"), recorded("prod"), gateway(), with_secret_manager(None, preview=True)]
    return {r.type.removeprefix("gcp:") for run in runs for r in run.resources if r.type.startswith("gcp:")}


def test_every_type_is_covered_by_a_role_of_the_deploy_account_or_named_as_outside() -> None:
    assert created() - set(ROLES) == set(OUTSIDE)
    assert set(ROLES.values()) <= set(DEPLOY.project)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, as lists of cells."""
    below = PAGE.split(heading)[1]
    rows = re.search(r"(?:^ *\|.*\n)+", below, re.MULTILINE)
    assert rows
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows[0].splitlines()[2:]]


def words(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


@pytest.mark.parametrize(("row", "access"), [(0, PREVIEW), (1, DEPLOY)], ids=["view", "deploy"])
def test_the_page_names_the_roles_that_bootstrap_grants(row: int, access: Access) -> None:
    _, _, project, state, key, billing = table("4. **Identities.**")[row]
    assert words(project) == access.project
    assert (words(state), words(key), words(billing)) == ((access.state,), (access.key,), (access.billing,))


def test_the_page_names_what_lies_outside_the_project() -> None:
    named = {words(setting)[0]: words(role) for setting, _, role, _ in table("## Permissions outside the project")}
    for setting, role in OUTSIDE.values():
        assert role in named[setting]


def test_the_preview_account_may_run_every_check_of_its_project() -> None:
    """Except checks outside the project; the page must name their roles."""
    kinds = [kind for kind in PreflightCheck.__subclasses__() if kind.__name__ != "SecretsKeyExists"]
    assert len(kinds) >= 8
    assert {kind.role for kind in kinds} <= set(PREVIEW.project)
    assert {kind.api for kind in kinds} <= set(APIS)
