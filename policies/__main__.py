"""The pack as Pulumi starts it: `pulumi preview --policy-pack policies`. Serves until the engine ends it."""

import sys
from pathlib import Path

from pulumi_policy import PolicyPack

# Pulumi puts the pack's own folder on the path; the rules are imported from the project's, as in `ops preview`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policies.rules import RULES

PolicyPack("dynamo-gke", RULES)
