"""Entry point of the pack for `pulumi preview --policy-pack policies`. Serves until the engine stops it."""

import sys
from pathlib import Path

from pulumi_policy import PolicyPack

# Pulumi puts only the pack's folder on the path; the rules import from the project's root, as in `ops preview`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policies.declared import by_inputs
from policies.rules import RULES

PolicyPack("dynamo-gke", list(by_inputs(RULES)))
