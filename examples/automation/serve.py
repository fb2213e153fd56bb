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

# The keys of a stack file. `dynamo_gke.read("Pulumi.prod.yaml")` reads them from one instead.
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


COMMANDS = ("plan", "preview", "up", "destroy")


def run(command: str, planned: Plan) -> None:
    match command:
        case "preview":
            stack(planned).preview(on_output=print)
        case "up":
            result = stack(planned).up(on_output=print)
            print("chat answers at", result.outputs["chat"].value)
        case "destroy":
            stack(planned).destroy(on_output=print)
        case _:
            print(f"{planned.gpus} GPUs, {planned.cost_per_hour} USD an hour")


def main(command: str) -> int:
    """Runs a command. Exits with 2 for a wrong command or setting, and with 1 if Pulumi fails."""
    if command not in COMMANDS:
        print(f"{command!r} is not a command; give one of: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        run(command, plan("acme-dev", CONFIG))
    except ConfigInvalid as invalid:
        print(invalid, file=sys.stderr)
        return 2
    except FileNotFoundError as missing:  # the first call of the Automation API starts it
        print(f"{missing.filename} is not on PATH; install the Pulumi CLI", file=sys.stderr)
        return 1
    except automation.InvalidVersionError as other:
        print(other, file=sys.stderr)
        return 1
    except automation.CommandError as failed:
        print(f"{command} failed: {reason(failed)}", file=sys.stderr)
        return 1
    return 0


def reason(failed: automation.CommandError) -> str:
    """The errors that Pulumi printed, each once."""
    lines = (line.strip().removeprefix("stderr: ") for line in str(failed).splitlines())
    found = (line.removeprefix("error: ") for line in lines if line.startswith("error: "))
    errors = dict.fromkeys(line.removeprefix("an unhandled error occurred: ") for line in found)
    return "; ".join(errors) or "see the output of Pulumi"


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
