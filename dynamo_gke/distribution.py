"""The top-level packages of this distribution, and the check that no other module has the name of one."""

from importlib.util import find_spec
from pathlib import Path

ROOMS = ("reading", "catalog", "settings", "planning", "manifests", "infra", "workloads")


def _check() -> None:
    """Raises ImportError if another module has the name of a room and comes first on `sys.path`.

    Without the check, an import in the middle of a room would fail with a message about a name that it lacks.
    """
    folder = Path(__file__).parents[1]
    for room in ROOMS:
        spec = find_spec(room)
        if spec and spec.origin and Path(spec.origin).parent != folder / room:
            raise ImportError(
                f"dynamo_gke needs its own package `{room}`, but {spec.origin} has that name and comes first; rename "
                "it, or run dynamo_gke in a process without it"
            )


_check()
