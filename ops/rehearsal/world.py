"""The folder of one rehearsal: where its programs find each other's files.

Every process of a rehearsal runs in the same private network namespace, so addresses and ports are constants.
"""

import os
from dataclasses import dataclass
from pathlib import Path

API_SERVER = "127.0.0.1:6443"
"""Also the DNS endpoint that the simulated cluster reports. Its certificate is signed by the authority in `ca`."""
COMPUTE_API = "127.0.0.1:6480"
"""Compute Engine's API, for the calls that the program makes without the provider."""
VARIABLE = "DYNAMO_GKE_REHEARSAL"
"""Environment variable with the folder; the stand-ins refuse to start without it."""


@dataclass(frozen=True)
class World:
    folder: Path

    @classmethod
    def of_this_process(cls) -> "World":
        """Raises KeyError outside a rehearsal."""
        return cls(Path(os.environ[VARIABLE]))

    def create_folders(self) -> None:
        """Creates the folders that the environment of a rehearsal names, and those that its processes write to."""
        for each in (self.commands, self.logs, self.project, self.pulumi, self.state, self.temporary):
            each.mkdir()

    @property
    def kubeconfig(self) -> Path:
        """Access of an administrator."""
        return self.folder / "kubeconfig"

    @property
    def ca(self) -> Path:
        """Certificate of the one authority that every process trusts (SSL_CERT_FILE)."""
        return self.folder / "ca.pem"

    @property
    def cloud(self) -> Path:
        """What exists in the simulated Google Cloud."""
        return self.folder / "cloud.json"

    @property
    def faults(self) -> Path:
        """Faults to inject."""
        return self.folder / "faults.json"

    @property
    def commands(self) -> Path:
        """First on PATH: plugins of Pulumi and the login helper of GKE."""
        return self.folder / "bin"

    @property
    def charts(self) -> Path:
        """The platform's chart."""
        return self.folder / "charts"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.folder / "logs"

    @property
    def deleted_with_cluster(self) -> Path:
        """The objects that the cluster still had when it was deleted."""
        return self.folder / "objects-deleted-with-the-cluster.json"

    @property
    def pod_faults(self) -> Path:
        """Faults of what runs in pods, and of the hub: apart from those of Google Cloud, which are counted down."""
        return self.folder / "pod-faults.json"

    @property
    def buckets(self) -> Path:
        """The contents of the simulated buckets: one folder for each."""
        return self.folder / "buckets"

    @property
    def pods(self) -> Path:
        """The volumes of the pods whose programs run: one folder for each pod."""
        return self.folder / "pods"

    def container_log(self, namespace: str, pod: str, container: str) -> Path:
        """The log of a container; each line begins with its time."""
        return self.logs / "pods" / namespace / pod / f"{container}.log"

    @property
    def project(self) -> Path:
        """Pulumi's project: Pulumi.yaml and the stack file as rehearsed."""
        return self.folder / "project"

    @property
    def pulumi(self) -> Path:
        """Pulumi's own folder (PULUMI_HOME)."""
        return self.folder / "pulumi"

    @property
    def state(self) -> Path:
        """Pulumi's backend."""
        return self.folder / "state"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def request(self) -> Path:
        """What to rehearse."""
        return self.folder / "request.json"

    @property
    def report(self) -> Path:
        """What the rehearsal found."""
        return self.folder / "report.json"

    @property
    def progress(self) -> Path:
        """What the rehearsal has found so far."""
        return self.folder / "progress.json"

    @property
    def failure(self) -> Path:
        """Why the rehearsal did not get to its end: the errors, as JSON."""
        return self.folder / "failure"
