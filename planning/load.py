"""Loads a stack's config as the resolved stack, or reports every error with its key path."""

from typing import Any, cast

from planning import checks
from planning.resolve import ResolvedStack, resolve
from reading import fixes
from reading.errors import ConfigInvalid, Error, first_at_each
from settings import load as settings_load
from settings import renamed
from settings.stack_config import StackConfig, raw_blocks


def load(config: StackConfig) -> ResolvedStack:
    """The stack with its deployments resolved. Raises ConfigInvalid with all errors that can be found at once."""
    raw, unread = raw_blocks(config)
    moved, twice = renamed.move(raw)
    unread += twice
    if moved:
        raw["renamed"] = moved
    stack, found = judged(raw)
    found = first_at_each(unread, found)
    if found or stack is None:
        given = {new: old for old, new in moved.items()}  # errors name the keys of the stack file
        checked = fixes.keep_working(found, raw, lambda changed: judged(changed)[1])
        raise ConfigInvalid([Error(given.get(error.path, error.path), error.message) for error in checked])
    return stack


def judged(raw: dict[str, Any]) -> tuple[ResolvedStack | None, list[Error]]:
    """The stack in `raw`, None if no valid deployment is left, and every error."""
    found: list[Error] = []
    models = raw.get("models")
    if isinstance(models, dict):
        found += checks.name_collisions(cast(dict[str, Any], models))
    reading = settings_load.read(raw)
    found = first_at_each(found, reading.errors)
    if reading.result is None:
        return None, found
    stack, unknown = resolve(reading.result)
    capacity = raw.get("capacity", {})
    # Without a valid mode the whole block is left out, and the machine that it names.
    read = reading.result.capacity is not None or (isinstance(capacity, dict) and "machine" not in capacity)
    machine_known = "capacity.machine" not in reading.left_out and read
    content = [*unknown, *checks.errors(stack, machine_known=machine_known)]
    found += [error for error in content if not _may_depend_on(error, reading.left_out)]
    return stack, found


# Errors that depend on another block, which may be left out as invalid.
_DECIDED_BY = {
    "capacity": "capacity",
    "capacity.maxNodes": "models",
    "cluster.secretsKey": "location",
    "location.zone": "location",
    "network.rdma": "models",
}


def _may_depend_on(error: Error, left_out: set[str]) -> bool:
    """Whether a left-out invalid value may cause an error: both are in one deployment, and not about its name."""
    if error.path in left_out:
        return True
    if block := _DECIDED_BY.get(error.path):
        return block in {path.partition(".")[0] for path in left_out}
    top, _, rest = error.path.partition(".")
    graph = rest.partition(".")[0]
    if top != "models" or rest in (f"{graph}.model", f"{graph}.layout"):
        return False
    return bool(graph) and any(path.startswith(f"models.{graph}.") for path in left_out)
