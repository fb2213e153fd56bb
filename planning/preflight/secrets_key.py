"""Checks whether the key that encrypts the cluster's Secrets exists; another project may own the key."""

from dataclasses import dataclass

from planning.preflight.check import PASSED, CheckResult, PreflightCheck, failed


@dataclass(frozen=True, kw_only=True)
class SecretsKeyExists(PreflightCheck):
    """Check of the key, in its own `project`. `pulumi up` lets the cluster use the key, which needs cloudkms.admin."""

    api = "cloudkms"
    role = "cloudkms.viewer"

    key: str
    """Key id: `projects/P/locations/L/keyRings/R/cryptoKeys/K`."""

    @property
    def ring(self) -> str:
        return self.key.rpartition("/cryptoKeys/")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def condition(self) -> str:
        return f"key {self.name} is in {self.ring}"

    def judge(self, there: bool) -> CheckResult:
        if there:
            return PASSED
        return failed(
            f"cluster.secretsKey: there is no key {self.name} in {self.ring}; "
            f"`gcloud kms keys list --keyring={self.ring}`"
        )


def owner(key: str) -> str:
    """The project of a key."""
    return key.split("/")[1]
