"""A small chart in place of NVIDIA's: the same operator as far as the API server sees it, without images.

It has the real chart's name, release-dependent names, labels, webhooks and names of values, and no hooks. Not shown:
NVIDIA's templates, their defaults, the webhook's Service and certificates, and the parts that this program leaves out
(etcd, NATS, Grove, KAI), which this chart cannot install.
"""

import gzip
import io
import tarfile
from pathlib import Path

import yaml

from ops.rehearsal.platform import crds
from ops.rehearsal.world import World
from planning import platform

SOURCE = Path(__file__).parent / "chart"

WEBHOOKS = f"https://127.0.0.1:{platform.WEBHOOK_PORT}"
"""Where the stand-in operator answers the API server. The processes of a rehearsal share one network namespace."""


def write(world: World, version: str) -> str:
    """Packs the chart of a version into World.charts. Returns that folder, for the setting `versions.charts`.

    The same version always has the same bytes, because Pulumi compares checksums.
    """
    world.charts.mkdir(parents=True, exist_ok=True)
    Path(platform.chart(version, str(world.charts))).write_bytes(packed(version, world.ca.read_text()))
    return str(world.charts)


def packed(version: str, authority: str) -> bytes:
    """The chart as Helm packs it. `authority`: certificate in PEM that signs the webhook's."""
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, text in sorted(_files(version, authority).items()):
            entry = tarfile.TarInfo(f"{platform.NAME}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def _files(version: str, authority: str) -> dict[str, str]:
    """Path in the chart → content."""
    source = {path.relative_to(SOURCE).as_posix(): path.read_text() for path in SOURCE.rglob("*") if path.is_file()}
    about = {
        "apiVersion": "v2",
        "name": platform.NAME,
        "description": "Stand-in for NVIDIA's chart in a rehearsal",
        "type": "application",
        "version": version,
        "appVersion": version,
        "kubeVersion": ">=1.30.0-0",
    }
    return source | {
        "Chart.yaml": yaml.safe_dump(about),
        # Helm installs this folder first, and neither upgrades nor deletes it: definitions outlive the release.
        "crds/dynamo.yaml": yaml.safe_dump_all(crds.dynamo()),
        "ca.pem": authority,
        "webhook-url.txt": WEBHOOKS,
    }
