"""The files of a new stack: the commented stack file and its policy configuration, written both or not at all.

`pulumi stack init` may have written a stack file before, with the key of the stack's secrets. That key is kept: nothing
else decrypts them.
"""

import io
import json
import math
import os
import textwrap
from collections.abc import Collection, Mapping
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
from reading.errors import ConfigInvalid
from settings import config_block
from settings.schema import Settings
from settings.stack_config import NAMESPACE
from settings.stack_schema import FIRST_LINE

WIDTH = 118


def paths(root: Path, stack: str) -> tuple[Path, Path]:
    """The stack file, and the configuration of its policies."""
    return root / f"Pulumi.{stack}.yaml", root / "policies" / f"config.{stack}.json"


def obstacle(root: Path, stack: str) -> str | None:
    """Why the files of a new stack cannot be written, and what to do; None if they can."""
    own, policies = paths(root, stack)
    for path in (own, policies):
        if path.is_symlink() and not path.exists():
            name = path.relative_to(root)
            return f"{name} is a symbolic link to {path.readlink()}, where no file is; delete the link: `rm {name}`"
    if own.exists() and not is_bare(own):
        return f"{own.name} already exists, and init replaces no file; edit it, or choose another name"
    if policies.exists():
        name = policies.relative_to(root)
        return (
            f"{name} already exists, and init replaces no file. If it is left of a stack that was removed, delete it: "
            f"`rm {name}`; else choose another name"
        )
    return None


def is_bare(path: Path) -> bool:
    """Whether a stack file has no setting, but at most the keys that Pulumi writes beside `config`."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        keys = config_block.content(path)
    except ConfigInvalid:
        return False
    return not keys.pop("config", None) and keys.keys() <= config_block.KEYS_OF_PULUMI.keys()


def _kept(path: Path | None) -> CommentedMap:
    """The keys of a bare stack file, with their comments; none without one."""
    found: Any = YAML().load(path) if path else None
    keys = found or CommentedMap()
    keys.pop("config", None)
    return keys


def stack_file(plan: Plan, config: Mapping[str, Any], *, bare: Path | None = None) -> str:
    """The text of a stack file. Each key has the description of its setting as a comment.

    `bare`: the bare stack file that it completes.
    """
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
    whole = _kept(bare)
    whole["config"] = keys
    yaml.dump(whole, out)
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


def write(files: Mapping[Path, str], *, completed: Collection[Path] = ()) -> None:
    """Writes all files or none, also when interrupted. Raises FileExistsError before it would replace a file.

    `completed`: the files that exist, and whose content is part of the new one.
    """
    fresh = {path.with_name(f".{path.name}.{os.getpid()}"): path for path in files}
    former = {path.with_name(f".{path.name}.{os.getpid()}.old"): path for path in completed}
    try:
        for new, path in fresh.items():
            new.write_text(files[path], encoding="utf-8")
        for old, path in former.items():
            old.hardlink_to(path)
        for new, path in fresh.items():
            if path in completed:
                new.replace(path)
            else:
                path.hardlink_to(new)  # unlike a rename, fails where the file exists
    except BaseException:
        for new, path in fresh.items():
            if new.exists() and path.exists() and path.samefile(new):  # else the file is somebody else's
                path.unlink()
        for old, path in former.items():
            if old.exists():
                old.replace(path)
        raise
    finally:
        for hidden in (*fresh, *former):
            hidden.unlink(missing_ok=True)


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
