"""Tables of UCX that only tests need, beside those that the rehearsal's workers print."""

from ops.rehearsal.kubelet.ucx_tables import LAYOUTS, RDMA, READ, TCP, Table, log, printed

__all__ = ["CUDA_IPC", "HOST_READ", "LAYOUTS", "MESSAGES", "RDMA", "READ", "TCP", "Table", "bulk", "log", "printed"]

HOST_READ = "remote memory read by ucp_get*(multi) into host memory from host"
CUDA_IPC = Table(
    (("0", "copy-out", "rc_mlx5/mlx5_2:1/path0"), ("1..inf", "zero-copy", "cuda_ipc/cuda")), endpoint="intra-node"
)
MESSAGES = Table(
    (("0..2030", "short", "tcp/eth0"), ("2031..8176", "zero-copy", "tcp/eth0"),
     ("8177..inf", "multi-frag zero-copy", "tcp/eth0")),
    operation="active message by ucp_am_send*(multi) from host memory",
)  # fmt: skip


def bulk(description: str = "zero-copy", config: str = "rc_mlx5/mlx5_0:1", start: str = "65") -> Table:
    """A read between GPUs with one bulk row, after the small rows of a healthy table."""
    before = {"65": RDMA.rows[:2], "0": ()}[start]
    return Table((*before, (f"{start}..inf", description, config)))
