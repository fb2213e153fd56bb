"""The files of a new stack: the commented stack file and its policy configuration, written both or not at all."""

import io
import json
import math
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from yaml import safe_load

from ops.new_stack.answers import DEPLOYMENT, UNASSIGNED
from planning.cost import costs
from planning.types import Plan
from reading import docstrings
from settings.schema import Settings
from settings.stack_config import NAMESPACE
from settings.stack_schema import FIRST_LINE

WIDTH = 118


def paths(root: Path, stack: str) -> tuple[Path, Path]:
    """The stack file, and the configuration of its policies."""
    return root / f"Pulumi.{stack}.yaml", root / "policies" / f"config.{stack}.json"


def stack_file(plan: Plan, config: Mapping[str, Any]) -> str:
    """The text of a stack file. Each key has the description of its setting as a comment."""
    described = docstrings.of_attributes(Settings)
    models = f"{NAMESPACE}:models"
    keys = CommentedMap({key: _readable(value, blocks=key == models) for key, value in config.items()})
    for key, value in config.items():
        comment = described[key.partition(":")[2]]
        if isinstance(value, Mapping) and UNASSIGNED in value.values():
            comment += f" Replace `{UNASSIGNED}`."
        keys.yaml_set_comment_before_after_key(key, before="\n".join(textwrap.wrap(comment, WIDTH)), indent=2)
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000  # a value stays on its line
    yaml.dump(CommentedMap({"config": keys}), out)
    head = (
        f"{config[models][DEPLOYMENT]['model']}, {config[models][DEPLOYMENT]['layout']}. Created by `./dynamo-gke init "
        f"{plan.stack}`. Editors with the YAML language server explain and complete every key."
    )
    token = (
        f"  # The model is gated, so `pulumi up` needs a token: pulumi config set --secret {NAMESPACE}:hfToken\n"
        if plan.missing_token
        else ""
    )
    return f"{FIRST_LINE}\n" + "".join(f"# {line}\n" for line in textwrap.wrap(head, WIDTH)) + out.getvalue() + token


def policy_config(plan: Plan) -> str:
    """Configuration of the policies that allows the GPU nodes of this stack: their number, price and capacity modes.

    No rule limits what other nodes, storage and traffic cost.
    """
    gpus = list(costs(None, plan.gpu_pools))
    unpriced = any(item.usd_max is None for item in gpus)
    budget = {
        "nodes": sum(pool.max_nodes for pool in plan.gpu_pools),
        "dollarsPerHour": math.ceil(sum(item.usd_max or 0 for item in gpus)),
    } | ({"allowUnpriced": True} if unpriced else {})
    modes = sorted({pool.purchase.mode for pool in plan.gpu_pools if pool.purchase})
    # Without GPU nodes the mode of the first one is not chosen yet, and no node is allowed.
    rules = {"gpu-budget": budget} | ({"capacity-mode": {"allowed": modes}} if modes else {})
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(rule)}" for name, rule in rules.items()) + "\n}\n"


def write(files: Mapping[Path, str]) -> None:
    """Creates all files or none, also when interrupted. Raises FileExistsError before it would replace a file."""
    fresh = {path.with_name(f".{path.name}.{os.getpid()}"): path for path in files}
    try:
        for new, path in fresh.items():
            new.write_text(files[path], encoding="utf-8")
        for new, path in fresh.items():
            path.hardlink_to(new)  # unlike a rename, fails where the file exists
    except BaseException:
        for new, path in fresh.items():
            if new.exists() and path.exists() and path.samefile(new):  # else the file is somebody else's
                path.unlink()
        raise
    finally:
        for new in fresh:
            new.unlink(missing_ok=True)


def _readable(value: Any, *, blocks: bool = False) -> Any:
    """A value as people write it: objects on one line, text in quotes where YAML would read something else."""
    if isinstance(value, Mapping):
        found = CommentedMap({key: _readable(inner) for key, inner in value.items()})
        if not blocks:
            found.fa.set_flow_style()
        return found
    if isinstance(value, list):
        items = CommentedSeq([_readable(inner) for inner in value])
        items.fa.set_flow_style()
        return items
    # ruamel itself quotes what YAML 1.2 reads as something else, and PyYAML knows YAML 1.1.
    return value if safe_load(value) == value else DoubleQuotedScalarString(value)
