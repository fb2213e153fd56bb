"""Paths and sizes of a pinned model's weights: in the bucket, in the Job that fetches them, in the pods that read."""

from catalog import sizing
from catalog.models import Card

# Mount path of the bucket, in the Job that writes and in the pods that read.
MOUNT = "/models"

# Size of the Job's scratch folder on a node of the CPU pool, whose disk of 100 GB has about 45 GiB for pods.
# Shards usually have 5 GB, so four fit at once; a single file may be as large as the folder.
SCRATCH = 24 * sizing.GIB

# Index, tokenizer and configuration files; some tokenizers have tens of megabytes.
BESIDE_WEIGHTS = 256 * sizing.MIB


def path(card: Card) -> str:
    """The folder of a pinned model in the pods, for `--model`."""
    return f"{MOUNT}/{card.repository}/{card.revision}"


def scratch_bytes(card: Card) -> int:
    """Scratch space that the Job needs to fetch a model: for a large model, only for the files being fetched.

    A card with a file larger than SCRATCH gets space for that file.
    """
    if card.files:
        sizes = [file.size for file in card.files.values()]
        return min(sum(sizes), max(SCRATCH, *sizes))
    return min(int(sizing.weights_bytes(card) * 1.1) + BESIDE_WEIGHTS, SCRATCH)
