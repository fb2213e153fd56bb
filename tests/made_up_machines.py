"""Made-up machines, unlike the shipped ones in every field, dropped into a copy of the catalog's folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import machines
from tests import catalog_folder

# Four GPUs, three NICs without a second gVNIC, arm64, another disk, other labels, quotas, zones and prices.
FOUR_GPUS = """
arch: arm64
vcpus: 96
memoryGb: 700
bootDisk: {type: hyperdisk-extreme, sizeGb: 333}
gpus: {type: example-x1, product: X1, count: 4, memoryMib: 60000, computeCapability: "11.0", formats: {bf16: native}}
rdma: {count: 3, gbps: 100, networkProfile: "{zone}-vpc-example", mtu: 4000, modes: [dranet]}
workerShare: {cpu: 7, memoryGib: 90}
compactPlacement: false
minGke: 1.35.1-gke.7
minDriver: R600.1
zones: [us-west1-a]
sold:
  spot: {quota: {id: PREEMPTIBLE-X1-GPUS, dimensions: {kind: x1}}}
  onDemand: {quota: {id: COMMITTED-X1-GPUS}, note: is sold on Tuesdays only}
prices:
  onDemand: {usdPerHour: 11.5, region: us-west1, date: "2026-01-01", kind: list price, source: made up}
"""

# As an L4 node: one GPU, no RDMA, no Local SSD.
ONE_GPU = """
vcpus: 8
memoryGb: 32
bootDisk: {type: pd-ssd, sizeGb: 150}
gpus: {type: example-y1, product: Y1, count: 1, memoryMib: 23000, computeCapability: "8.9", formats: {bf16: native}}
workerShare: {cpu: 4, memoryGib: 20}
sold: {spot: {quota: {id: Y1-GPUS}}}
prices:
  spot: {usdPerHour: 0.5, region: us-west1, date: "2026-01-01", kind: list price, source: made up}
"""

# As FOUR_GPUS, but a worker must take a whole node.
WHOLE_NODE = FOUR_GPUS.replace("arch: arm64", "arch: arm64\nwholeNodeWorkers: true").replace("count: 3", "count: 4")

# As FOUR_GPUS, but a newer minor version of GKE has it than new clusters usually get.
NEWER_GKE = FOUR_GPUS.replace("1.35.1-gke.7", "1.36.3-gke.7")

# As FOUR_GPUS, but pods can have its NICs in one mode only, which is not the usual one.
NAMED_NETWORKS = FOUR_GPUS.replace("count: 3", "count: 4").replace("[dranet]", "[multiNetwork]")

FILES = {
    "x1-named": NAMED_NETWORKS,
    "x1-newer": NEWER_GKE,
    "x1-quad": FOUR_GPUS,
    "y1-single": ONE_GPU,
    "x1-whole": WHOLE_NODE,
}


@pytest.fixture
def made_up_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The catalog's machines with those above beside them."""
    folder = catalog_folder.copied(machines, tmp_path, monkeypatch)
    for name, text in FILES.items():
        (folder / f"{name}.yaml").write_text(text)
    yield
    machines.gpu_machine.cache_clear()
