"""A stopped control plane is gone. In a file of its own, whose tests share a control plane."""

from pathlib import Path

from tests.rehearsal.simulated import Cluster


def test_stop_leaves_no_process(cluster: Cluster) -> None:
    pids = cluster.plane.pids
    assert len(pids) == 5
    assert all(Path(f"/proc/{pid}").exists() for pid in pids.values())
    cluster.plane.stop()
    assert [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()] == []
