"""Pulumi's project of a rehearsal: the shipped one, with the stack file as the rehearsal needs it."""

import secrets
import shutil
from collections.abc import Iterable, Sequence

import yaml

from ops.offline import stackfile
from ops.rehearsal.world import World
from planning.types import Plan
from settings import config_block

TOKEN_KEY = "dynamo-gke:hfToken"


def write(world: World, stack: str, overrides: Sequence[str]) -> bool:
    """Writes project and stack file, without the stack's secrets. Returns whether the stack file has any.

    Their values are encrypted for somebody else.
    """
    root = stackfile.project_root()
    shutil.copy(root / "Pulumi.yaml", world.project)
    config = stackfile.blocks(root, stack, overrides)
    secret = config_block.secret_keys(config)
    plain = {key: value for key, value in config.items() if key not in secret}
    (world.project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": plain}, sort_keys=False))
    return bool(secret)


def tokens(plans: Iterable[Plan], *, has_secret: bool) -> list[str]:
    """A token if the stack file has a secret, or if one of the plans needs a token; else none."""
    return [placeholder_token()] if has_secret or any(each.missing_token for each in plans) else []


def placeholder_token() -> str:
    """A token of Hugging Face that opens nothing, to be found wherever it should not be."""
    return f"hf_{secrets.token_hex(17)}"
