"""A Pulumi program in its own repository that adds a dynamo-gke environment to what it creates anyway.

Needs the Pulumi CLI and `pip install` of requirements.txt; no Pulumi.yaml, no stack file, no language host.

    python serve.py plan       what it would create and cost; no cloud, no Pulumi
    python serve.py preview    what Pulumi would change
    python serve.py up
    python serve.py destroy
"""

import sys
from typing import Any

import pulumi
from pulumi import automation

from dynamo_gke import ConfigInvalid, Plan, plan
from dynamo_gke.program import create

# The keys of a stack file. `dynamo_gke.read(Path("Pulumi.prod.yaml"))` reads them from one instead.
CONFIG: dict[str, Any] = {
    "gcp:project": "my-project",
    "location": {"region": "us-central1", "zone": "us-central1-a"},
    "cluster": {"deletionProtection": False, "systemPool": {"machine": "e2-standard-4", "nodes": 2}},
    "capacity": {"machine": "g2-standard-8", "mode": "spot", "compactPlacement": False, "maxNodes": 2},
    "models": {
        "chat": {"model": "qwen3-0.6b", "layout": "multi-node", "kvTransfer": "tcp", "frontend": {"replicas": 1}}
    },
    "labels": {"owner": "ml-platform", "costCenter": "1234"},
}


class Inference(pulumi.ComponentResource):
    """A component of the team's own, with the environment below it."""

    def __init__(self, name: str, planned: Plan) -> None:
        super().__init__("acme:platform:Inference", name)
        token = pulumi.Config("acme").get_secret("hfToken")  # for gated models
        created = create(planned, hf_token=token, prefix=name, parent=self)
        self.endpoints = pulumi.Output.all(**created.endpoints)
        self.kubeconfig_command = created.kubeconfig_command
        self.register_outputs({"endpoints": self.endpoints})


def stack(planned: Plan) -> automation.Stack:
    def program() -> None:
        inference = Inference("inference", planned)
        # Here the team's own resources would use the endpoint.
        pulumi.export("chat", inference.endpoints.apply(lambda urls: urls["chat"]))
        pulumi.export("kubeconfigCommand", inference.kubeconfig_command)

    return automation.create_or_select_stack(stack_name="dev", project_name="acme-platform", program=program)


def main(command: str) -> int:
    try:
        planned = plan("acme-dev", CONFIG)
    except ConfigInvalid as invalid:
        for error in invalid.errors:
            print(f"{error.path}: {error.message}", file=sys.stderr)
        return 2
    match command:
        case "plan":
            print(f"{planned.gpus} GPUs, {planned.cost_per_hour} USD an hour")
        case "preview":
            stack(planned).preview(on_output=print)
        case "up":
            result = stack(planned).up(on_output=print)
            print("chat answers at", result.outputs["chat"].value)
        case "destroy":
            stack(planned).destroy(on_output=print)
        case _:
            print(__doc__)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else "help"))
