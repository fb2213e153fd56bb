"""The bootstrap program, in preview and in up: protected resources, trusted identities and their roles."""

import re
import subprocess
import sys
from functools import cache

import pytest

from bootstrap.preview import FOLDER
from bootstrap.preview import main as preview_command
from bootstrap.settings import NAMESPACE
from ops.offline import stackfile
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record
from tests.program.test_stacks import needs
from tests.stacks import ROOT

both_modes = pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])

PRINCIPAL = (
    "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/example/subject/"
)

ENVIRONMENTS = ("dev", "staging", "prod")
SECRETS = "gcpkms://projects/my-project/locations/europe-west1/keyRings/pulumi/cryptoKeys/secrets"

PREVIEW_ROLES = {
    "browser",
    "cloudquotas.viewer",
    "compute.viewer",
    "container.viewer",
    "serviceusage.serviceUsageConsumer",
    "serviceusage.serviceUsageViewer",
    "storage.bucketViewer",
    "billing.viewer",
    "storage.objectViewer",
    "cloudkms.cryptoKeyDecrypter",
}
DEPLOY_ROLES = {
    "billing.costsManager",
    "cloudquotas.viewer",
    "container.admin",
    "compute.networkAdmin",
    "compute.securityAdmin",
    "compute.viewer",
    "iam.serviceAccountAdmin",
    "iam.serviceAccountUser",
    "resourcemanager.projectIamAdmin",
    "storage.admin",
    "monitoring.editor",
    "artifactregistry.admin",
    "secretmanager.admin",
    "certificatemanager.editor",
    "serviceusage.serviceUsageAdmin",
    "storage.objectUser",
    "cloudkms.cryptoKeyEncrypterDecrypter",
}


@cache
def recorded(*, preview: bool = True) -> Recording:
    return record(FOLDER, stackfile.read(FOLDER, "bootstrap"), project=NAMESPACE, preview=preview)


def of_type(recording: Recording, suffix: str) -> list[Resource]:
    found = [resource for resource in recording.resources if resource.type.endswith(suffix)]
    assert found, suffix
    return found


def test_preview_and_up_register_the_same_resources() -> None:
    assert set(recorded(preview=True).by_urn()) == set(recorded(preview=False).by_urn())


@both_modes
def test_every_resource_has_the_explicit_provider_and_a_component(preview: bool) -> None:
    recording = recorded(preview=preview)
    providers = {r.name: r.urn for r in of_type(recording, "pulumi:providers:gcp")}
    assert set(providers) == {"google", "google-billing"}
    components = {r.urn for r in recording.resources if r.type.startswith("dynamo-gke:bootstrap:")}
    custom = [r for r in recording.resources if r.urn not in components and r.urn not in providers.values()]
    assert custom
    for resource in custom:
        assert resource.parent in components, resource.urn
        of_billing = resource.type.startswith("gcp:billing/")
        assert resource.provider == providers["google-billing" if of_billing else "google"], resource.urn


@both_modes
def test_urns_belong_to_the_bootstrap_project(preview: bool) -> None:
    assert all(
        r.urn.startswith("urn:pulumi:bootstrap::dynamo-gke-bootstrap::") for r in recorded(preview=preview).resources
    )


@both_modes
def test_nothing_is_made_before_its_api_is_on(preview: bool) -> None:
    recording = recorded(preview=preview)
    services = {r.urn for r in of_type(recording, "projects/service:Service")}
    for resource in recording.resources:
        if resource.type.startswith("gcp:") and resource.urn not in services:
            assert services <= needs(recording, resource.urn), resource.urn


@both_modes
def test_the_state_bucket_keeps_versions_and_shuts_the_public_out(preview: bool) -> None:
    (bucket,) = of_type(recorded(preview=preview), "storage/bucket:Bucket")
    assert bucket.options["protect"]
    assert bucket.inputs == {
        "name": "my-project-pulumi-state",
        "project": "my-project",
        "location": "EUROPE-WEST1",
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "versioning": {"enabled": True},
        "lifecycleRules": [
            {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 90, "numNewerVersions": 20}}
        ],
        "forceDestroy": False,
    }


@both_modes
def test_the_key_rotates_and_is_protected_with_its_ring(preview: bool) -> None:
    recording = recorded(preview=preview)
    keys = of_type(recording, "kms/cryptoKey:CryptoKey")
    (ring,) = of_type(recording, "kms/keyRing:KeyRing")
    for key in keys:
        assert (key.inputs["rotationPeriod"], key.inputs["purpose"]) == ("7776000s", "ENCRYPT_DECRYPT")
        assert key.options["protect"]
    assert ring.options["protect"]


@both_modes
def test_an_environment_has_a_key_and_the_first_key_stays_what_it_was(preview: bool) -> None:
    """A renamed or replaced key would leave the secrets of every stack that it encrypted unreadable."""
    keys = {r.name: r.inputs["name"] for r in of_type(recorded(preview=preview), "kms/cryptoKey:CryptoKey")}
    assert keys == {"state-key": "secrets"} | {f"state-key-{name}": f"secrets-{name}" for name in ENVIRONMENTS}


def test_who_may_use_which_key() -> None:
    """A job of dev-preview runs any branch's code, so it must not read the state of another environment."""
    used: dict[str, set[str]] = {}
    for grant in of_type(recorded(preview=False), "kms/cryptoKeyIAMMember:CryptoKeyIAMMember"):
        account = grant.inputs["member"].removeprefix("serviceAccount:").partition("@")[0]
        used.setdefault(account, set()).add(grant.inputs["cryptoKeyId"].rpartition("/")[2])
    of = {name: f"state-key-{name}-id" for name in ENVIRONMENTS}
    assert used == {
        **{f"dynamo-view-{name}": {of[name]} for name in ENVIRONMENTS},
        **{f"dynamo-deploy-{name}": {"state-key-id", of[name]} for name in ENVIRONMENTS},
    }


def test_what_was_deployed_keeps_its_names() -> None:
    names = {r.name for r in recorded().resources}
    for name in ENVIRONMENTS:
        assert {f"deploy-{name}-{of}" for of in ("account", "key", "state", "billing", f"github-named-{name}")} <= names


@both_modes
def test_only_tokens_of_the_one_repository_are_taken_by_number(preview: bool) -> None:
    (provider,) = of_type(recorded(preview=preview), ":WorkloadIdentityPoolProvider")
    assert provider.inputs["attributeCondition"] == (
        "assertion.repository_owner_id == '1234567' && assertion.repository_id == '123456789' && "
        "(assertion.ref == 'refs/heads/main' || assertion.sub.endsWith('-preview'))"
    )
    assert provider.inputs["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    assert provider.inputs["attributeMapping"]["google.subject"] == "assertion.sub"


@both_modes
def test_there_are_no_keys_of_service_accounts(preview: bool) -> None:
    kinds = {r.type.rpartition(":")[2] for r in recorded(preview=preview).resources}
    assert kinds & {"Key", "HmacKey", "WorkloadIdentityPoolProviderKey"} == set()


def test_who_may_act_as_whom() -> None:
    bound: dict[str, set[str]] = {}
    for binding in of_type(recorded(preview=False), "serviceaccount/iAMMember:IAMMember"):
        assert binding.inputs["role"] == "roles/iam.workloadIdentityUser"
        account = binding.inputs["serviceAccountId"].rpartition("/")[2].partition("@")[0]
        assert binding.inputs["member"].startswith(PRINCIPAL)
        bound.setdefault(account, set()).add(binding.inputs["member"].removeprefix(PRINCIPAL))
    named, numbered = "repo:my-org/dynamo-gke:", "repo:my-org@1234567/dynamo-gke@123456789:"
    assert bound == {
        **{
            f"dynamo-view-{name}": {f"{form}environment:{name}-preview" for form in (named, numbered)}
            for name in ENVIRONMENTS
        },
        **{
            f"dynamo-deploy-{name}": {f"{named}environment:{name}", f"{numbered}environment:{name}"}
            for name in ENVIRONMENTS
        },
    }


def test_the_accounts_have_their_roles_and_no_other() -> None:
    roles: dict[str, set[str]] = {}
    for resource in recorded(preview=False).resources:
        if "role" in resource.inputs and resource.inputs["role"] != "roles/iam.workloadIdentityUser":
            account = re.fullmatch(r"serviceAccount:(.*)@my-project\.iam.*", resource.inputs["member"])
            assert account, resource.urn
            roles.setdefault(account[1], set()).add(resource.inputs["role"].removeprefix("roles/"))
    assert roles == {
        **{f"dynamo-view-{name}": PREVIEW_ROLES for name in ENVIRONMENTS},
        **{f"dynamo-deploy-{name}": DEPLOY_ROLES for name in ENVIRONMENTS},
    }


def test_outputs_are_what_the_workflows_need() -> None:
    assert recorded(preview=False).outputs == {
        "workloadIdentityProvider": (
            "projects/123456789012/locations/global/workloadIdentityPools/example/providers/example"
        ),
        "previewServiceAccounts": {
            name: f"dynamo-view-{name}@my-project.iam.gserviceaccount.com" for name in ENVIRONMENTS
        },
        "deployServiceAccounts": {
            name: f"dynamo-deploy-{name}@my-project.iam.gserviceaccount.com" for name in ENVIRONMENTS
        },
        "loginUrl": "gs://my-project-pulumi-state",
        "secretsProvider": SECRETS,
        "secretsProviders": {name: f"{SECRETS}-{name}" for name in ENVIRONMENTS},
    }


def test_the_program_finds_the_main_programs_modules_from_its_own_folder() -> None:
    probe = "import runpy; runpy.run_path('__main__.py', run_name='imported')"
    subprocess.run([sys.executable, "-P", "-c", probe], cwd=FOLDER, check=True, timeout=120)


def test_the_entry_stays_short() -> None:
    assert len((ROOT / "bootstrap" / "__main__.py").read_text().splitlines()) < 40


def test_the_command_shows_every_resource_and_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert preview_command() == 0
    printed = capsys.readouterr().out
    assert printed == (ROOT / "tests" / "bootstrap" / "preview.txt").read_text(encoding="utf-8"), (
        "if meant: python -m bootstrap.preview > tests/bootstrap/preview.txt"
    )


def test_the_command_names_the_stacks_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert preview_command("bootstrp") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "did you mean bootstrap?" in printed.err
