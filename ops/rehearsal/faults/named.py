"""The faults that a user can ask for by name. Apart, because the command line needs them and no engine."""

from enum import StrEnum


class Named(StrEnum):
    STOCKOUT = "stockout"
    """The zone has no machines for a GPU pool."""
    TIMEOUT = "timeout"
    """GKE takes longer for a node pool than the provider waits."""
    WEIGHTS = "weights"
    """The model hub refuses the weights."""
    VERIFICATION = "verification"
    """The graph fails its verification."""
    LOST_ANSWER = "lost-answer"
    """Resources are created, and the answer never arrives."""
    INTERRUPTED = "interrupted"
    """Ctrl-C (SIGINT) during `pulumi up`."""
    KILLED = "killed"
    """`pulumi up` is killed (SIGKILL) while resources are being created."""
    API_SERVER = "api-server"
    """The API server restarts during `pulumi up`."""
    OPERATOR_DOWN = "operator-down"
    """The operator is down during `pulumi up`, and again during `pulumi destroy`."""
    NODE_LOST = "node-lost"
    """A GPU node vanishes during `pulumi up`."""
    STUCK_FINALIZER = "stuck-finalizer"
    """Nobody removes a finalizer of the graph during `pulumi destroy`."""


ALL = "all"
"""Every one of them."""
