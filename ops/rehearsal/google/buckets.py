"""The contents of the simulated buckets."""

import shutil
from collections.abc import Mapping
from typing import Any

from ops.rehearsal.google.operations import ApiError
from ops.rehearsal.world import World


def delete(world: World, bucket: Mapping[str, Any]) -> None:
    """Deletes a bucket's files. Raises ApiError if the program has not agreed to that."""
    folder = world.buckets / bucket["name"]
    if not folder.exists():
        return
    if any(folder.iterdir()) and not bucket.get("forceDestroy"):
        raise ApiError(
            f"error trying to delete bucket {bucket['name']} containing objects without `force_destroy` set to true"
        )
    shutil.rmtree(folder)
