"""Entrance for other Pulumi programs: settings → plan → components.

`plan` decides and checks everything, and needs no Pulumi engine and no cloud. `dynamo_gke.program.create` registers the
plan's resources. `__main__.py` uses the same two steps.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

# The first import of a room, so that its check comes before any other.
from dynamo_gke.distribution import ROOMS
from planning import load as planning_load
from planning import plan as planning_plan
from planning.types import Plan
from reading import entries
from reading.errors import ConfigInvalid, Error, join
from settings import config_block
from settings.config_block import read
from settings.stack_config import NAMESPACE, StackConfig

__all__ = ["ROOMS", "ConfigInvalid", "Error", "Plan", "plan", "plan_of", "read"]

TOKEN = f"{NAMESPACE}:hfToken"


def plan(name: str, config: Mapping[str, Any], *, folder: str | os.PathLike[str] | None = None) -> Plan:
    """The plan of an environment, with every decision: pools, GPUs, layouts, cost, warnings.

    `name` takes the place of a stack's name: physical names derive from it, such as `dynamo-<name>` of the cluster.
    `config` has the keys of a stack file, `gcp:project` among them; the namespace `dynamo-gke:` may be left out. The
    token for gated models is not in it, but given to `create`. Paths of cards and machines begin at `folder`, which is
    the current one by default.

    Raises ConfigInvalid with every error, each with its key path, and TypeError for a config that is no dict.
    """
    if not isinstance(cast(object, config), Mapping):
        given = type(cast(object, config)).__name__
        how = '`dynamo_gke.read("Pulumi.prod.yaml")` reads one'
        raise TypeError(f"plan(name, config): config must be a dict with the keys of a stack file, got {given}; {how}")
    begin = Path.cwd() if folder is None else Path(folder)
    block = config_block.with_full_keys(config, "config")
    token = block.pop(TOKEN, None)
    found = list(_token_errors(token))
    for key in list(block):
        if unusable := list(_not_plain(key.removeprefix(_PREFIX), block[key])):
            found += unusable
            del block[key]
    given = config_block.stack_config(name, block)
    secrets = given.secrets if _names_a_secret(block) else given.secrets | {TOKEN}
    try:
        with entries.paths_begin_at(begin):
            planned = plan_of(StackConfig(stack=name, values=given.values, secrets=secrets, of_program=True))
    except ConfigInvalid as invalid:
        left_out = {_top(error) for error in found}
        others = (error for error in invalid.errors if _top(error) not in left_out)
        raise ConfigInvalid([*found, *map(_of_argument, others)]) from None
    if found:
        raise ConfigInvalid(found)
    return planned


def plan_of(config: StackConfig) -> Plan:
    """The plan of a stack's config as Pulumi has it. Raises ConfigInvalid with every error, and TypeError for a config
    of another type."""
    if not isinstance(cast(object, config), StackConfig):
        given = type(cast(object, config)).__name__
        raise TypeError(
            f"plan_of(config): config must be a StackConfig, got {given}; use plan(name, config) for a dict"
        )
    return planning_plan.plan(planning_load.load(config))


_PREFIX = f"{NAMESPACE}:"


def _token_errors(value: Any) -> Iterator[Error]:
    """An error for any token but that of a stack file, which is encrypted for its stack and not used here."""
    if value not in (None, "") and not list(config_block.secure_parts(value)):
        why = "is not taken from the config; give it to `create(hf_token=…)`, and revoke it if it is in plain text"
        yield Error("hfToken", why)


def _of_argument(error: Error) -> Error:
    """The error of the stack's name as one of the argument `name`."""
    return Error("name", error.message) if error.path == "stack" else error


def _top(error: Error) -> str:
    """The key of the config that an error is about."""
    return re.split(r"[.\[]", error.path)[0]


def _names_a_secret(block: Mapping[str, Any]) -> bool:
    """Whether the token is an existing secret in Secret Manager."""
    secrets = block.get(f"{_PREFIX}secrets")
    return isinstance(secrets, dict) and bool(cast(dict[str, Any], secrets).get("hfToken"))


def _not_plain(path: str, value: Any) -> Iterator[Error]:
    """An error for each value that is no plain data, such as an Output."""
    if isinstance(value, Mapping):
        for key, inner in cast(Mapping[Any, Any], value).items():
            yield from _not_plain(join(path, str(key)), inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(cast(list[Any], value)):
            yield from _not_plain(join(path, index), inner)
    elif value is not None and not isinstance(value, str | bool | int | float):
        kind = type(cast(object, value)).__name__
        yield Error(path, f"is not plain data ({kind}); use text, numbers, true or false, lists and dicts of them")
