"""The pack as Pulumi starts it: `pulumi preview --policy-pack policies`. Serves until the engine ends it."""

from pulumi_policy import PolicyPack
from rules import RULES

PolicyPack("dynamo-gke", RULES)
