"""The file and model names that pods can read."""

from pathlib import PurePosixPath

from catalog import weights
from catalog.flags.given import Workers


def why_unreadable(name: str, workers: Workers) -> str | None:
    """Why workers cannot read a model, draft or template of that name; None if the bucket may hold it.

    Preview does not check that the bucket holds it.
    """
    if not workers.reads_bucket:
        return (
            f"cannot be read: {workers.card.name} has no pinned revision, so {weights.MOUNT} is not mounted; pin its "
            "card with `./dynamo-gke models pin`, and put the files into the weights bucket"
        )
    path = PurePosixPath(name)
    if path.is_relative_to(weights.MOUNT) and path != PurePosixPath(weights.MOUNT) and ".." not in path.parts:
        return None
    return (
        f"is not under {weights.MOUNT}, and pods reach no model hub (HF_HUB_OFFLINE=1); put it into the weights bucket "
        f"and give its path, {weights.MOUNT}/…"
    )
