"""The authority of a rehearsal and the certificates that it signs.

Every process trusts this authority alone (SSL_CERT_FILE), so the program needs no setting to trust the simulated
cluster, whose real DNS endpoint has a public certificate.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.world import World

VALID_DAYS = 2
SECONDS = 30

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
API_SERVER_NAMES = (
    *LOOPBACK_NAMES,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)

# Python refuses an authority without the first two extensions, and a certificate without the authority's key id.
_AUTHORITY = "subjectKeyIdentifier=hash\nkeyUsage=critical,keyCertSign,cRLSign\nbasicConstraints=critical,CA:TRUE"
_SERVER = (
    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=critical,digitalSignature\n"
    "extendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE"
)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, both PEM files."""

    chain: Path
    key: Path


def create_authority(world: World) -> None:
    """Writes the authority to World.ca and its key beside it."""
    _issue(Certificate(world.ca, _authority_key(world)), "dynamo-gke rehearsal", _AUTHORITY)


def issue(world: World, name: str, hosts: Sequence[str]) -> Certificate:
    """A server certificate for the given host names and addresses, signed by the authority.

    `name` names the files. A Service's hosts are `NAME.NAMESPACE.svc` and its shorter forms.
    """
    folder = world.folder / "certificates"
    folder.mkdir(parents=True, exist_ok=True)
    certificate = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts)
    signer = ["-CA", str(world.ca), "-CAkey", str(_authority_key(world))]
    _issue(certificate, name, f"{_SERVER}\nsubjectAltName={names}", signer)
    return certificate


def create_signing_key(path: Path) -> Path:
    """Writes an RSA key, with which an API server signs the tokens of service accounts."""
    _openssl("genrsa", "-out", str(path), "2048")
    return path


def _authority_key(world: World) -> Path:
    return world.ca.with_suffix(".key")


def _issue(certificate: Certificate, name: str, extensions: str, signer: Sequence[str] = ()) -> None:
    # A configuration of our own: each machine's openssl.cnf adds other extensions.
    config = certificate.chain.with_suffix(".cnf")
    config.write_text(
        f"[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN={name}\n[ext]\n{extensions}\n"
    )
    _openssl(
        *("req", "-x509", "-config", str(config), "-days", str(VALID_DAYS), *signer),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", str(certificate.key), "-out", str(certificate.chain)),
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _openssl(*arguments: str) -> None:
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError as error:
        raise RehearsalError("rehearsals need the command openssl, 3.0 or newer, on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise RehearsalError(f"openssl {arguments[0]} did not end within {SECONDS} s") from error
    if done.returncode:
        raise RehearsalError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
