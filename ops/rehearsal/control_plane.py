"""A real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler and kwok.

Not shown by it: GKE's own admission webhooks, its managed add-ons, and its authorization by IAM. There is no kube-proxy
and no cluster DNS, so the addresses of Services lead nowhere.
"""

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import urllib3
from urllib3.exceptions import HTTPError

from ops.rehearsal import access, certificates
from ops.rehearsal.files import write_private
from ops.rehearsal.kube import Kube, NotFound
from ops.rehearsal.nodes import FAKE_NODE
from ops.rehearsal.processes import Program
from ops.rehearsal.world import API_SERVER, World

LOOPBACK = "127.0.0.1"
API_SERVER_PROGRAM = "kube-apiserver"
ETCD = f"http://{LOOPBACK}:2379"
ETCD_PEER = f"http://{LOOPBACK}:2380"
SCHEDULER_PORT, CONTROLLERS_PORT, KWOK_PORT = 10259, 10257, 10247
ISSUER = "https://kubernetes.default.svc"
SERVICE_RANGE = "10.96.0.0/16"
_PROBE_SECONDS = 2.0


class Binaries(Protocol):
    """The programs of a control plane."""

    @property
    def etcd(self) -> Path: ...
    @property
    def kube_apiserver(self) -> Path: ...
    @property
    def kube_controller_manager(self) -> Path: ...
    @property
    def kube_scheduler(self) -> Path: ...
    @property
    def kwok(self) -> Path: ...


class ControlPlane:
    """The running control plane of a World. Its ports are fixed, so it belongs into a private network."""

    def __init__(self, world: World, binaries: Binaries, kwok_config: Path) -> None:
        self._world = world
        self._binaries = binaries
        self._kwok_config = kwok_config
        self._folder = world.folder / "control-plane"
        self._programs: dict[str, Program] = {}
        # The kernel kills a program together with the thread that started it, and any thread may ask for a restart.
        self._starter = ThreadPoolExecutor(max_workers=1)

    @classmethod
    def start(cls, world: World, binaries: Binaries, kwok_config: Path) -> "ControlPlane":
        """The control plane, ready for pods. `kwok_config`: what kwok does to nodes and pods.

        Raises ProgramFailed, with the end of its log, for a program that does not start.
        """
        plane = cls(world, binaries, kwok_config)
        try:
            plane._start()
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def pids(self) -> dict[str, int]:
        """Program → process id."""
        return {name: program.pid for name, program in self._programs.items()}

    def stop(self) -> None:
        """Stops every program, clients before servers."""
        while self._programs:
            self._programs.popitem()[1].stop()
        self._starter.shutdown()

    def restart_api_server(self) -> None:
        """Stops the API server and starts it again, as GKE does in an upgrade. Returns when it is ready."""
        self._programs[API_SERVER_PROGRAM].stop()
        self._start_api_server()

    def _start(self) -> None:
        self._folder.mkdir(parents=True)
        certificates.create_authority(self._world)
        certificates.create_signing_key(self._signing_key)
        self._certificate = certificates.issue(self._world, "control-plane", certificates.API_SERVER_NAMES)
        token = secrets.token_hex(16)
        write_private(self._tokens, access.tokens_file(token))
        access.write(self._world, token)

        self._run("etcd", self._binaries.etcd, self._etcd_flags()).wait_until(self._answers(f"{ETCD}/readyz"))
        self._start_api_server()
        controllers = self._run(
            "kube-controller-manager", self._binaries.kube_controller_manager, self._controllers_flags()
        )
        scheduler = self._run("kube-scheduler", self._binaries.kube_scheduler, self._scheduler_flags())
        kwok = self._run("kwok", self._binaries.kwok, self._kwok_flags())
        controllers.wait_until(self._answers(f"https://{LOOPBACK}:{CONTROLLERS_PORT}/healthz"))
        scheduler.wait_until(self._answers(f"https://{LOOPBACK}:{SCHEDULER_PORT}/readyz"))
        kwok.wait_until(self._answers(f"http://{LOOPBACK}:{KWOK_PORT}/healthz"))
        # The API server refuses pods until their service account exists.
        controllers.wait_until(self._has_default_account)

    def _start_api_server(self) -> None:
        server = self._run(API_SERVER_PROGRAM, self._binaries.kube_apiserver, self._api_server_flags())
        server.wait_until(self._answers(f"https://{API_SERVER}/readyz"))

    def _run(self, name: str, binary: Path, flags: Sequence[str]) -> Program:
        started = self._starter.submit(Program, self._world, name, [str(binary), *flags])
        program = self._programs[name] = started.result()
        return program

    def _answers(self, url: str) -> Callable[[], bool]:
        http = urllib3.PoolManager(ca_certs=str(self._world.ca), retries=False, timeout=_PROBE_SECONDS)

        def ready() -> bool:
            try:
                return http.request("GET", url).status == 200
            except HTTPError:
                return False

        return ready

    def _has_default_account(self) -> bool:
        try:
            Kube(self._world.kubeconfig).get("v1", "ServiceAccount", "default", "default")
        except NotFound:
            return False
        return True

    @property
    def _signing_key(self) -> Path:
        """Signs the tokens of service accounts."""
        return self._folder / "service-accounts.key"

    @property
    def _tokens(self) -> Path:
        return self._folder / "tokens.csv"

    def _etcd_flags(self) -> list[str]:
        return [
            f"--data-dir={self._folder / 'etcd'}",
            "--unsafe-no-fsync",  # the data ends with the rehearsal
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={ETCD_PEER}",
            f"--initial-advertise-peer-urls={ETCD_PEER}",
            f"--initial-cluster=default={ETCD_PEER}",
        ]

    def _api_server_flags(self) -> list[str]:
        host, port = API_SERVER.split(":")
        # PodSecurity and ValidatingAdmissionPolicy are on by default.
        return [
            f"--etcd-servers={ETCD}",
            f"--bind-address={host}",
            f"--advertise-address={host}",
            f"--secure-port={port}",
            *self._serving_flags(),
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._tokens}",
            f"--service-account-key-file={self._signing_key}",
            f"--service-account-signing-key-file={self._signing_key}",
            f"--service-account-issuer={ISSUER}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--endpoint-reconciler-type=none",  # an endpoint on loopback would be refused
            "--allow-privileged=true",  # as on GKE, where PodSecurity decides
        ]

    def _controllers_flags(self) -> list[str]:
        return [
            *self._client_flags(CONTROLLERS_PORT),
            f"--service-account-private-key-file={self._signing_key}",
            f"--root-ca-file={self._world.ca}",
        ]

    def _scheduler_flags(self) -> list[str]:
        return self._client_flags(SCHEDULER_PORT)

    def _client_flags(self, port: int) -> list[str]:
        return [
            f"--kubeconfig={self._world.kubeconfig}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            *self._serving_flags(),
            "--leader-elect=false",
        ]

    def _serving_flags(self) -> list[str]:
        return [f"--tls-cert-file={self._certificate.chain}", f"--tls-private-key-file={self._certificate.key}"]

    def _kwok_flags(self) -> list[str]:
        annotation = ",".join(f"{name}={value}" for name, value in FAKE_NODE.items())
        return [
            f"--kubeconfig={self._world.kubeconfig}",
            f"--server-address={LOOPBACK}:{KWOK_PORT}",
            "--manage-all-nodes=false",
            f"--manage-nodes-with-annotation-selector={annotation}",
            "--node-lease-duration-seconds=40",
            f"--config={self._kwok_config}",
        ]
