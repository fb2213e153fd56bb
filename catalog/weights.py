"""Where a pinned model lies: in the bucket, in the Job that brings it there, in the pods that read it."""

from catalog import sizing
from catalog.models import Card

# Where the bucket is mounted, in the Job that writes and in the pods that read.
MOUNT = "/models"

# What the Job's scratch folder may hold on a node of the CPU pool, whose disk of 100 GB has some 45 GiB for pods.
# Shards have 5 GB by custom, so four are under way at once; a single file may be as large as this.
SCRATCH = 24 * sizing.GIB

# The index, tokenizer and configuration beside the weights; some tokenizers have tens of megabytes.
BESIDE_WEIGHTS = 256 * sizing.MIB


def path(card: Card) -> str:
    """The folder of a pinned model in the pods, as `--model` takes it."""
    return f"{MOUNT}/{card.repository}/{card.revision}"


def scratch_bytes(card: Card) -> int:
    """Room that fetching a model needs on the Job's node: never for all of a large model, only for what is under way.

    Raises nothing: a card that lists a file larger than SCRATCH gets room for that one.
    """
    if card.files:
        sizes = [file.size for file in card.files.values()]
        return min(sum(sizes), max(SCRATCH, *sizes))
    return min(int(sizing.weights_bytes(card) * 1.1) + BESIDE_WEIGHTS, SCRATCH)
