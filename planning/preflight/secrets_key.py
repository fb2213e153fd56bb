"""Whether the key that encrypts the cluster's Secrets exists; it may be another project's."""

from dataclasses import dataclass

from planning.preflight.question import WELL, Finding, Question, refused


@dataclass(frozen=True, kw_only=True)
class SecretsKeyExists(Question):
    """`project` is the key's. That the cluster may use it is granted by `pulumi up`, which needs cloudkms.admin."""

    api = "cloudkms"
    role = "cloudkms.viewer"

    key: str
    """`projects/P/locations/L/keyRings/R/cryptoKeys/K`."""

    @property
    def ring(self) -> str:
        return self.key.rpartition("/cryptoKeys/")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def what(self) -> str:
        return f"key {self.name} is in {self.ring}"

    def judge(self, there: bool) -> Finding:
        if there:
            return WELL
        return refused(
            f"cluster.secretsKey: there is no key {self.name} in {self.ring}; "
            f"`gcloud kms keys list --keyring={self.ring}`"
        )


def owner(key: str) -> str:
    """The project of a key."""
    return key.split("/")[1]
