"""The named faults that a stack cannot meet. Pure."""

from collections.abc import Collection, Mapping, Sequence

from ops.rehearsal.faults.named import Named
from policies import kinds

GPU_POOL = f":GpuPool${kinds.NODE_POOL}::"
WEIGHTS_JOB = f":Weights${kinds.JOB}::"
VERIFICATION_JOB = f":Verification${kinds.JOB}::"
_NEEDS: Mapping[Named, tuple[str, str]] = {
    Named.STOCKOUT: (GPU_POOL, "GPU pool"),
    Named.NODE_LOST: (GPU_POOL, "GPU pool"),
    Named.WEIGHTS: (WEIGHTS_JOB, "Job that fetches weights"),
    Named.VERIFICATION: (VERIFICATION_JOB, "verification"),
}


def impossible(asked: Collection[Named], urns: Sequence[str]) -> dict[Named, str]:
    """Why a stack with these resources cannot meet some of the faults."""
    return {
        fault: f"the stack has no {what}"
        for fault, (part, what) in _NEEDS.items()
        if fault in asked and not any(part in urn for urn in urns)
    }
